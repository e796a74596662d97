#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "diagnosis/cascade.h"

namespace rankscope::simulation {

// What the ranks of a job and the launcher of each node wrote, and when; turned into the files that such logs are.
class JobLogs {
 public:
  JobLogs(int32_t ranks, int32_t ranks_a_node) : ranks_(ranks), ranks_a_node_(ranks_a_node) {}

  // By the true clock, in seconds since the job began; a node's own clock is `skews` of it ahead. Several lines stay
  // together.
  void Rank(int32_t rank, double at, const std::string& text) { by_rank_[rank].push_back({at, text, false}); }
  // A line that begins with glog's stamp "E0401 10:00:00.123456", after "[rankN]:".
  void Glog(int32_t rank, double at, const std::string& text) { by_rank_[rank].push_back({at, text, true}); }
  void Launcher(int32_t node, double at, const std::string& text) { by_node_[node].push_back({at, text, false}); }

  std::string Stamp(int32_t node, double at, const char* format) const;  // of a node's clock
  void set_skews(std::vector<double> skews) { skews_ = std::move(skews); }

  int32_t ranks() const { return ranks_; }
  int32_t ranks_a_node() const { return ranks_a_node_; }
  int32_t NodeOf(int32_t rank) const { return rank / ranks_a_node_; }
  static int64_t PidOf(int32_t rank) { return 20'000 + rank; }

  std::vector<LogText> FilePerRank() const;  // and one per launcher
  std::vector<LogText> FilePerNode() const;  // ranks' lines with "[rankN]: ", the launcher's between them

 private:
  struct Said {
    double at = 0;
    std::string text;
    bool glog = false;
  };
  std::string Written(int32_t rank, const Said& said, bool prefixed) const;

  const int32_t ranks_, ranks_a_node_;
  std::vector<double> skews_;
  std::map<int32_t, std::vector<Said>> by_rank_, by_node_;
};

}  // namespace rankscope::simulation
