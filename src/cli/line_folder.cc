#include "cli/line_folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/time_argument.h"

namespace rankscope::cli {

std::string FormatSet(const std::set<int32_t>& numbers) {
  std::string out;
  for (auto at = numbers.begin(); at != numbers.end();) {
    int32_t first = *at, last = first;
    while (++at != numbers.end() && *at == last + 1) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
  }
  return out;
}

bool LineFolder::Take(std::string_view json) {
  auto record = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  bool foldable = record.is_object() && record.contains("rank") && record["rank"].is_number_integer() &&
                  !record.value("msg", "").empty();
  base::TimeNs now = live_ ? base::MonotonicNow() : 0;
  if (!live_ && record.is_object()) {
    auto time = ParseTimeArgument(record.value("timestamp", ""), 0);
    now = time.ok() ? *time : now;
  }
  if (!CloseUntil(now)) return false;
  if (!foldable) {
    if (live_ || open_.empty()) return show_({std::string(json), {}, {}});
    open_.push_back({"", open_.back().closes, {std::string(json), {}, {}}, {}});
    return true;
  }
  std::string key = record.value("level", "") + " " + record.value("msg", "");
  int32_t rank = record["rank"], node = record.value("node_rank", -1);
  if (JoinOpen(key, rank, node, json)) return true;
  open_.push_back({key, now + kWindow, {std::string(json), {rank}, {node}}, {rank}});
  if (!live_) return true;
  open_.back().line = {};
  return show_({std::string(json), {}, {}});
}

// False when no open fold takes the line: none is alike, or this rank has said it already.
bool LineFolder::JoinOpen(const std::string& key, int32_t rank, int32_t node, std::string_view json) {
  auto fold = std::find_if(open_.rbegin(), open_.rend(), [&](const Fold& open) { return open.key == key; });
  if (fold == open_.rend() || !fold->said.insert(rank).second) return false;
  if (fold->line.ranks.empty()) fold->line.json = json;
  fold->line.ranks.insert(rank);
  fold->line.nodes.insert(node);
  return true;
}

bool LineFolder::CloseUntil(base::TimeNs now) {
  while (!open_.empty() && open_.front().closes < now) {
    FoldedLine line = std::move(open_.front().line);
    open_.pop_front();
    if (line.ranks.size() == 1) line.ranks.clear();  // it says itself who
    if (!line.json.empty() && !show_(line)) return false;
  }
  return true;
}

}  // namespace rankscope::cli
