#include "cli/shown_lines.h"

#include <algorithm>
#include <optional>

#include "model/record_json.h"
#include "model/time_text.h"

namespace rankscope::cli {
namespace {

size_t HashOf(std::string_view json) { return std::hash<std::string_view>()(json); }

// A record's JSON begins with its time: no need to parse the rest.
std::optional<base::TimeNs> TimeOf(std::string_view json) {
  constexpr std::string_view kBegin = "{\"timestamp\":\"";
  if (!json.starts_with(kBegin)) return std::nullopt;
  json.remove_prefix(kBegin.size());
  return model::ParseTime(json.substr(0, json.find('"')), model::Zone::kElseUtc);
}

}  // namespace

void ShownLines::Note(std::string_view json, base::TimeNs now) {
  auto time = TimeOf(json);
  if (!time) return;
  // No later than it came: one host's clock that is ahead must not hide what the others say.
  base::TimeNs reached = std::min(*time, now);
  // Behind the history's first: of lines that came at one time, some may have been left out of it.
  if (shown_++ < history_) from_ = std::min(from_, reached + 1);
  lines_.push_back({HashOf(json), reached});
  if (lines_.size() <= remembered_) return;
  from_ = std::max(from_, lines_.front().reached + 1);
  lines_.pop_front();
}

std::string ShownLines::Wanted() const {
  constexpr base::TimeNs kEver = INT64_C(4'000'000'000'000'000'000);
  if (shown_ < history_) return "";
  return " _time:[" + model::FormatTime(from_) + "," + model::FormatTime(kEver) + "]";
}

void ShownLines::BeginAgain() {
  to_pass_.clear();
  for (const Line& line : lines_) ++to_pass_[line.hash];
}

bool ShownLines::IsNew(std::string_view json) {
  auto found = to_pass_.find(HashOf(json));
  if (found == to_pass_.end()) return true;
  if (--found->second == 0) to_pass_.erase(found);
  return false;
}

}  // namespace rankscope::cli
