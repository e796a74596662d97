#include "notify/message_text.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "base/counted.h"
#include "model/record_json.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

std::string Where(const std::string& project, const std::string& job) {
  if (job.empty()) return project.empty() ? "the server" : "project " + project;
  return "job " + job + (project.empty() || project == "default" ? "" : " (project " + project + ")");
}

struct Tally {
  size_t firing = 0, critical = 0, over = 0, other = 0;

  void Add(const Update& update) {
    if (IsOpen(update.kind)) {
      ++firing;
      critical += update.severity == Severity::kCritical ? 1 : 0;
    } else if (IsLife(update.kind)) {
      ++other;
    } else {
      ++over;
    }
  }
  std::string Text() const {
    std::string text;
    auto add = [&](size_t count, const std::string& what) {
      if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    };
    add(firing, "firing" + (critical > 0 ? " (" + std::to_string(critical) + " critical)" : std::string()));
    add(over, "resolved");
    add(other, other == 1 ? "word of the job's life" : "words of the job's life");
    return text;
  }
};

MessageText::Paragraph ParagraphOf(const Entry& entry, base::TimeNs at) {
  const Update& update = *entry.update;
  MessageText::Paragraph paragraph{TitleOf(entry, at), FactsOf(update), OneLine(update.evidence), update.link};
  if (update.acknowledgement && StillAcknowledged(*update.acknowledgement, update, at)) {
    const Acknowledgement& held = *update.acknowledgement;
    paragraph.facts.push_back("Acknowledged by " + OneLine(held.by) +
                              (held.until ? " until " + TimeText(held.until) : "") +
                              (held.note.empty() ? "" : ": " + OneLine(held.note)));
  }
  if (entry.transitions > 0) {
    paragraph.facts.push_back("Flapping: it changed " + std::to_string(entry.transitions) +
                              " times in 30 min; the next word on it comes in 30 min, or when it has been quiet");
  }
  return paragraph;
}

MessageText::Paragraph ParagraphOf(const std::vector<const Entry*>& of_job, base::TimeNs at) {
  constexpr size_t kShown = 3;
  Tally tally;
  for (const Entry* entry : of_job) tally.Add(*entry->update);
  const Update& first = *of_job.front()->update;
  MessageText::Paragraph paragraph;
  paragraph.title = Where(first.project, first.job) + ": " + tally.Text();
  for (size_t i = 0; i < std::min(kShown, of_job.size()); ++i) paragraph.facts.push_back(TitleOf(*of_job[i], at));
  if (of_job.size() > kShown) paragraph.facts.push_back("… and " + std::to_string(of_job.size() - kShown) + " more");
  return paragraph;
}

void DescribeByJob(const Message& message, MessageText* text) {
  std::map<std::string, std::vector<const Entry*>> jobs;
  std::vector<std::string> order;
  Tally tally;
  for (const Entry& entry : message.entries) {
    std::string key = entry.update->project + '\0' + entry.update->job;
    if (jobs[key].empty()) order.push_back(key);
    jobs[key].push_back(&entry);
    tally.Add(*entry.update);
  }
  text->headline = base::Counted(jobs.size(), "job") +
                   (message.project.empty() ? "" : " of project " + message.project) + ": " + tally.Text();
  for (const std::string& key : order) text->paragraphs.push_back(ParagraphOf(jobs[key], message.at));
}

void DescribeEach(const Message& message, MessageText* text) {
  Tally tally;
  for (const Entry& entry : message.entries) {
    tally.Add(*entry.update);
    text->paragraphs.push_back(ParagraphOf(entry, message.at));
  }
  const Update& first = *message.entries.front().update;
  text->headline = message.entries.size() == 1 ? text->paragraphs.front().title + " – " : tally.Text() + " – ";
  text->headline += Where(first.project, first.job);
}

}  // namespace

std::string TimeText(base::TimeNs time) {
  if (time == 0) return "0001-01-01T00:00:00Z";
  std::string text = model::FormatTime(time);  // nine digits and Z
  return text.substr(0, text.size() - 7) + "Z";
}

std::string TitleOf(const Entry& entry, base::TimeNs at) {
  const Update& update = *entry.update;
  std::string title = OneLine(update.title.empty() ? update.incident_class : update.title);
  bool held = update.acknowledgement && StillAcknowledged(*update.acknowledgement, update, at);
  if (IsLife(update.kind)) return Upper(NameOf(update.kind)) + ": " + title;
  if (!IsOpen(update.kind)) return Upper(NameOf(update.kind)) + ": " + title;
  std::string mark = held ? "[ACKNOWLEDGED] " : "[" + Upper(NameOf(update.severity)) + "] ";
  return std::string(entry.round > 0 ? "[STILL] " : "") + (entry.transitions > 0 ? "[FLAPPING] " : "") + mark + title;
}

std::vector<std::string> FactsOf(const Update& update) {
  std::vector<std::string> facts = {"Where: " + Where(update.project, update.job)};
  if (!update.ranks.empty()) {
    std::string of;
    if (update.rank_count > 0) of = " (" + std::to_string(update.rank_count);
    if (!of.empty()) of += (update.world_size > 0 ? " of " + std::to_string(update.world_size) : "") + ")";
    facts.push_back("Ranks: " + update.ranks + of);
  }
  if (update.step || update.started != 0) {
    facts.push_back("Since: " + (update.step ? "step " + std::to_string(*update.step) : "") +
                    (update.step && update.started ? ", " : "") + (update.started ? TimeText(update.started) : ""));
  }
  if (!IsOpen(update.kind) && update.ended != 0) facts.push_back("Ended: " + TimeText(update.ended));
  if (!update.superseded_by.empty()) facts.push_back("Superseded by: " + update.superseded_by);
  if (update.probability) {
    long percent = std::lround(*update.probability * 100);
    facts.push_back("Sure: " + std::to_string(percent) + " %" +
                    (update.incident_class.empty() ? "" : ", class " + update.incident_class));
  }
  for (const std::string& line : update.text) facts.push_back(OneLine(line));
  return facts;
}

MessageText Describe(const std::string& external_url, const Message& message) {
  MessageText text;
  if (message.form == Message::Form::kDigest || message.form == Message::Form::kOverflow) {
    DescribeByJob(message, &text);
  } else {
    DescribeEach(message, &text);
  }
  text.link = external_url;
  return text;
}

}  // namespace rankscope::notify
