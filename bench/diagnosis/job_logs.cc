#include "diagnosis/job_logs.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <tuple>

namespace rankscope::simulation {
namespace {

constexpr int64_t kBegin = 1'775'037'600;  // 2026-04-01 10:00:00 UTC

// Each line of it after the prefix.
std::string WithPrefix(const std::string& text, const std::string& prefix) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    out += prefix + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return out;
}

}  // namespace

std::string JobLogs::Stamp(int32_t node, double at, const char* format) const {
  double local = at + skews_[static_cast<size_t>(node)];
  auto whole = static_cast<int64_t>(std::floor(local));
  std::time_t seconds = kBegin + whole;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof text, format, &parts);
  char micros[16];
  std::snprintf(micros, sizeof micros, "%06d", static_cast<int>((local - static_cast<double>(whole)) * 1e6));
  std::string stamp = text;
  if (size_t hole = stamp.find("MICROS"); hole != std::string::npos) stamp.replace(hole, 6, micros);
  if (size_t hole = stamp.find("MIL"); hole != std::string::npos) stamp.replace(hole, 3, std::string(micros, 3));
  return stamp;
}

std::string JobLogs::Written(int32_t rank, const Said& said, bool prefixed) const {
  const std::string name = "[rank" + std::to_string(rank) + "]:";
  if (said.glog) return name + "[E" + Stamp(NodeOf(rank), said.at, "%m%d %H:%M:%S.MICROS") + " " + said.text + "\n";
  return WithPrefix(said.text, prefixed ? name + " " : "");
}

std::vector<LogText> JobLogs::FilePerRank() const {
  std::vector<LogText> files;
  for (const auto& [rank, all] : by_rank_) {
    LogText file{"rank_" + std::to_string(rank) + ".log", ""};
    for (const Said& said : all) file.text += Written(rank, said, false);
    files.push_back(std::move(file));
  }
  for (const auto& [node, all] : by_node_) {
    LogText file{"launcher_node" + std::to_string(node) + ".log", ""};
    for (const Said& said : all) file.text += said.text + "\n";
    files.push_back(std::move(file));
  }
  return files;
}

std::vector<LogText> JobLogs::FilePerNode() const {
  std::vector<LogText> files;
  for (int32_t node = 0; node * ranks_a_node_ < ranks_; ++node) {
    std::vector<std::tuple<double, size_t, std::string>> lines;
    for (int32_t rank = node * ranks_a_node_; rank < (node + 1) * ranks_a_node_; ++rank) {
      auto all = by_rank_.find(rank);
      if (all == by_rank_.end()) continue;
      for (const Said& said : all->second) lines.emplace_back(said.at, lines.size(), Written(rank, said, true));
    }
    if (auto all = by_node_.find(node); all != by_node_.end()) {
      for (const Said& said : all->second) lines.emplace_back(said.at, lines.size(), said.text + "\n");
    }
    std::sort(lines.begin(), lines.end());
    LogText file{"node_" + std::to_string(node) + ".log", ""};
    for (const auto& [at, place, text] : lines) file.text += text;
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace rankscope::simulation
