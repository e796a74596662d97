#include "diagnose/verdict/verdict_page.h"

#include <cmath>
#include <set>
#include <vector>

#include "model/rank_set.h"
#include "model/record_json.h"
#include "model/shown.h"

namespace rankscope::diagnose {
namespace {

// The parts of the page, in order; how they look is the printer's.
class Printer {
 public:
  virtual ~Printer() = default;
  virtual void Title(std::string_view text, bool healthy) = 0;
  virtual void Heading(std::string_view text) = 0;
  virtual void Item(std::string_view text) = 0;
  virtual void Quote(std::string_view where, std::string_view text, bool root) = 0;
};

class TextPrinter : public Printer {
 public:
  explicit TextPrinter(bool color) : color_(color) {}
  void Title(std::string_view text, bool healthy) override { out += Colored(healthy ? "1;32" : "1;31", text) + "\n"; }
  void Heading(std::string_view text) override { out += "\n" + Colored("1", text) + "\n"; }
  void Item(std::string_view text) override { out += "  " + model::Shown(text) + "\n"; }
  void Quote(std::string_view where, std::string_view text, bool root) override {
    out += "  " + Colored("2", where) + "\n    " + Colored(root ? "31" : "0", text) + "\n";
  }

  std::string out;

 private:
  std::string Colored(std::string_view code, std::string_view text) const {
    if (!color_) return model::Shown(text);
    return "\x1b[" + std::string(code) + "m" + model::Shown(text) + "\x1b[0m";
  }
  const bool color_;
};

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (char c : model::Shown(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

class HtmlPrinter : public Printer {
 public:
  void Title(std::string_view text, bool healthy) override {
    out += "<h1 class=\"" + std::string(healthy ? "well" : "ill") + "\">" + Escaped(text) + "</h1>\n";
  }
  void Heading(std::string_view text) override { out += "<h2>" + Escaped(text) + "</h2>\n"; }
  void Item(std::string_view text) override { out += "<p>" + Escaped(text) + "</p>\n"; }
  void Quote(std::string_view where, std::string_view text, bool root) override {
    out += "<p class=\"where\">" + Escaped(where) + "</p><pre" + (root ? " class=\"root\"" : "") + ">" + Escaped(text) +
           "</pre>\n";
  }

  std::string out;
};

std::string Percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string When(const std::optional<base::TimeNs>& time) {
  constexpr size_t kToMilliseconds = 23;
  return time ? model::FormatTime(*time).substr(0, kToMilliseconds) + "Z " : "";
}

void PrintList(std::string_view heading, const std::vector<std::string>& items, Printer* to) {
  if (items.empty()) return;
  to->Heading(heading);
  for (const std::string& item : items) to->Item(item);
}

// But for the rank.
bool AreAlike(const Event& a, const Event& b) {
  return a.rank && b.rank && a.time == b.time && a.step == b.step && a.what == b.what;
}

void PrintTimeline(const Verdict& verdict, Printer* to) {
  if (verdict.timeline.empty()) return;
  to->Heading("What happened");
  const std::vector<Event>& events = verdict.timeline;
  for (size_t i = 0; i < events.size();) {
    const Event& event = events[i];
    std::set<int32_t> ranks;
    do {
      if (events[i].rank) ranks.insert(*events[i].rank);
    } while (++i < events.size() && AreAlike(events[i], event));
    std::string item = When(event.time);
    if (!ranks.empty()) item.append(ranks.size() > 1 ? "ranks " : "rank ").append(model::RankSet(ranks)).append(" ");
    if (event.step) item.append("step ").append(std::to_string(*event.step)).append(" ");
    to->Item(item.append(event.what));
  }
}

void PrintEvidence(const Verdict& verdict, Printer* to) {
  if (verdict.evidence.empty()) return;
  to->Heading("Evidence");
  for (const Evidence& one : verdict.evidence) {
    std::string who = one.rank ? " rank " + std::to_string(*one.rank) : "";
    std::string where = one.role + who + " " + one.file;
    if (one.line_number > 0) where.append(":").append(std::to_string(one.line_number));
    to->Quote(where, one.text, one.role == "root");
  }
}

void PrintAlternatives(const Verdict& verdict, Printer* to) {
  if (verdict.alternatives.empty() && verdict.why_not.empty()) return;
  to->Heading("Why nothing else");
  for (const Alternative& other : verdict.alternatives) {
    to->Item(other.failure + " (" + Percent(other.confidence) + "): " + other.why_not);
  }
  for (const std::string& reason : verdict.why_not) to->Item(reason);
}

void PrintAdvice(const Verdict& verdict, Printer* to) {
  if (verdict.advice.empty()) return;
  to->Heading("What to do");
  for (const Advice& advice : verdict.advice) to->Item(advice.text);
  to->Item("more: " + verdict.advice.front().doc);
}

void PrintSimilar(const Verdict& verdict, Printer* to) {
  if (verdict.similar.empty()) return;
  to->Heading("Seen before");
  for (const Similar& other : verdict.similar) {
    std::string incident = other.incident.empty() ? "" : " (incident " + other.incident + ")";
    to->Item("job " + other.job + incident + ": " + other.failure + ", " + Percent(other.score) + " alike");
  }
}

void Print(const Verdict& verdict, Printer* to) {
  to->Title(verdict.failure + ": " + verdict.summary + " (confidence " + Percent(verdict.confidence) + ")",
            verdict.healthy);
  if (!verdict.healthy && !(verdict.culprit && verdict.culprit->rank)) to->Item("no rank can be named from these logs");
  PrintList("Figures", verdict.figures, to);
  PrintTimeline(verdict, to);
  PrintEvidence(verdict, to);
  PrintAlternatives(verdict, to);
  PrintAdvice(verdict, to);
  PrintList("To go on", verdict.restart, to);
  PrintSimilar(verdict, to);
  PrintList("What would settle it", verdict.would_settle, to);
}

constexpr std::string_view kHtmlHead =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Rankscope: diagnosis</title>\n"
    "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem}h1.ill{color:#b00020}h1.well{color:#0a7d32}h2{font-size:1.1rem;margin:1.5rem 0 .3rem}"
    "p{margin:.2rem 0}.where{color:#666;font-size:.85rem}pre{white-space:pre-wrap;background:#f4f4f4;padding:.5rem;"
    "margin:.2rem 0}pre.root{background:#fde7ea}</style></head><body>\n";

}  // namespace

std::string ToText(const Verdict& verdict, bool color) {
  TextPrinter printer(color);
  Print(verdict, &printer);
  return std::move(printer.out);
}

std::string ToHtml(const Verdict& verdict) {
  HtmlPrinter printer;
  Print(verdict, &printer);
  return std::string(kHtmlHead) + printer.out + "</body></html>\n";
}

}  // namespace rankscope::diagnose
