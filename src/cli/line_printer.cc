#include "cli/line_printer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/table.h"

namespace rankscope::cli {
namespace {

// 256-colour indices without red and yellow.
constexpr std::array<int, 12> kSourceColors = {39, 76, 141, 44, 173, 105, 36, 213, 110, 71, 177, 67};

char LevelLetter(const std::string& level) {
  if (level == "critical" || level == "error") return 'E';
  if (level == "warning") return 'W';
  if (level == "debug") return 'D';
  return 'I';
}

// The length of a control sequence (ESC [ parameters letter) at the start, as progress bars move the cursor by; or 0.
size_t ControlLength(std::string_view text) {
  if (text.size() < 3 || text[0] != '\x1b' || text[1] != '[') return 0;
  size_t at = 2;
  while (at < text.size() && text[at] >= 0x20 && text[at] < 0x40) ++at;
  return at < text.size() && text[at] >= 0x40 && text[at] < 0x7f ? at + 1 : 0;
}

// Whether a control sequence sets colours.
bool IsSgr(std::string_view sequence) {
  return sequence.substr(2).find_first_not_of("0123456789;") == sequence.size() - 3 && sequence.ends_with('m');
}

std::string Harmless(std::string_view text, bool color) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (size_t length = ControlLength(text.substr(at))) {
      std::string_view sequence = text.substr(at, length);
      if (color && IsSgr(sequence)) out.append(sequence);
      at += length;
    } else if ((byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7f) {
      char shown[8];
      std::snprintf(shown, sizeof shown, "\\x%02x", byte);
      out += shown;
      ++at;
    } else {
      out.push_back(text[at++]);
    }
  }
  return out;
}

void Highlight(std::string* text, const std::string& word) {
  for (size_t at = 0; !word.empty() && (at = text->find(word, at)) != std::string::npos; at += word.size() + 9) {
    text->insert(at + word.size(), "\x1b[27m");
    text->insert(at, "\x1b[7m");
  }
}

std::string NumberOr(const nlohmann::ordered_json& record, const char* name, const char* otherwise) {
  return record.contains(name) ? record[name].dump() : otherwise;
}

// NAME_min, NAME_max or NAME_mean of a NAME in the record.
bool IsOfWindow(const nlohmann::ordered_json& record, std::string_view name) {
  for (std::string_view end : {"_min", "_max", "_mean"}) {
    if (name.ends_with(end) && record.contains(std::string(name.substr(0, name.size() - end.size())))) return true;
  }
  return false;
}

// " [2.1, 9.5]", the extremes of a window; nothing where it has one value.
std::string RangeOf(const nlohmann::ordered_json& record, const std::string& name) {
  auto low = record.find(name + "_min"), high = record.find(name + "_max");
  if (low == record.end() || high == record.end() || *low == *high) return "";
  return " [" + ShownValue(*low) + ", " + ShownValue(*high) + "]";
}

// Metric records have no text: their fields are shown. A line that was printed empty has one.
std::string TextOf(const nlohmann::ordered_json& record) {
  std::string text = record.value("msg", "");
  if (!text.empty() || record.contains("msg")) return text;
  static constexpr std::array<std::string_view, 11> kNotFields = {
      "timestamp", "project", "job_id", "attempt", "node_rank", "rank", "local_rank", "host", "stream", "seq", "level"};
  for (const auto& [name, value] : record.items()) {
    bool identity = std::find(kNotFields.begin(), kNotFields.end(), name) != kNotFields.end();
    if (identity || IsOfWindow(record, name)) continue;
    text += (text.empty() ? "" : " ") + name + "=" +
            (value.is_string() ? value.get<std::string>() : ShownValue(value)) + RangeOf(record, name);
  }
  return text;
}

std::string Who(const nlohmann::ordered_json& record, const FoldedLine& line) {
  if (line.ranks.empty()) return "[" + NumberOr(record, "node_rank", "-") + "/" + NumberOr(record, "rank", "-") + "]";
  std::string nodes = line.nodes.contains(-1) ? "-" : FormatSet(line.nodes);
  return "[" + nodes + "/" + FormatSet(line.ranks) + " ×" + std::to_string(line.ranks.size()) + "]";
}

std::string Prefix(const nlohmann::ordered_json& record, const FoldedLine& line, bool color) {
  std::string who = Who(record, line);
  if (!color) return who;
  bool ranked = record.contains("rank") && record["rank"].is_number_unsigned();
  int shade = ranked ? kSourceColors[record["rank"].get<uint64_t>() % kSourceColors.size()] : 245;
  return "\x1b[38;5;" + std::to_string(shade) + "m" + who + "\x1b[0m";
}

}  // namespace

std::string LinePrinter::Render(const FoldedLine& line) const {
  auto record = nlohmann::ordered_json::parse(line.json, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) return line.json + "\n";
  std::string text = Harmless(TextOf(record), options_.color);
  if (options_.color) {
    for (const std::string& word : options_.highlights) Highlight(&text, word);
  }
  std::string prefix = Prefix(record, line, options_.color);
  if (options_.show_time) prefix = record.value("timestamp", "").substr(0, 23) + " " + prefix;
  std::string level = record.value("level", "");
  char letter = LevelLetter(level);
  if (options_.color && letter == 'E') {
    prefix += " \x1b[31m";
    text += "\x1b[0m";
  } else {
    prefix += options_.color ? " " : std::string(" ") + letter + " ";
  }
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    out += prefix + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace rankscope::cli
