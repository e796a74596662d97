#pragma once

#include <string>
#include <vector>

#include "notify/message.h"

namespace rankscope::notify {

// What a message says to people, in plain text; a channel escapes and cuts it as it must.
struct MessageText {
  struct Paragraph {
    std::string title;               // "[CRITICAL] NCCL timeout"
    std::vector<std::string> facts;  // "Job: j-1 (project default)", …
    std::string evidence, link;      // empty: none
  };
  std::string headline;  // one line, for a title or a subject
  std::vector<Paragraph> paragraphs;
  std::string link;  // of the whole; empty: none
};

// A digest has a paragraph a job, other messages one an incident.
MessageText Describe(const std::string& external_url, const Message& message);

// "[CRITICAL] TITLE", "RESOLVED: TITLE", "started: job j-1".
std::string TitleOf(const Entry& entry, base::TimeNs at);
// What, where, since which step, how sure.
std::vector<std::string> FactsOf(const Update& update);
// RFC 3339 in UTC, whole milliseconds; "0001-01-01T00:00:00Z" for a time that is not known.
std::string TimeText(base::TimeNs time);

// The paragraphs of a text in the words of a channel, as many as `most_bytes` holds, and how many were left out.
template <typename Render>
std::string JoinParagraphs(const MessageText& text, size_t most_bytes, Render render) {
  constexpr size_t kReserve = 40;  // for how many more there are
  std::string joined;
  size_t shown = 0;
  for (const MessageText::Paragraph& paragraph : text.paragraphs) {
    std::string next = render(paragraph);
    if (joined.size() + next.size() + 2 + kReserve > most_bytes) break;
    joined += (joined.empty() ? "" : "\n\n") + next;
    ++shown;
  }
  size_t more = text.paragraphs.size() - shown;
  if (more > 0) joined += (joined.empty() ? "" : "\n\n") + std::string("… and ") + std::to_string(more) + " more";
  return joined;
}

}  // namespace rankscope::notify
