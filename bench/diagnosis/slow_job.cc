#include "diagnosis/slow_job.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "diagnosis/cluster.h"
#include "model/record_json.h"

namespace rankscope::simulation {
namespace {

using diagnose::Element;

constexpr base::TimeNs kBegin = 1'775'000'000LL * base::kNsPerSecond;
constexpr int64_t kInterval = 10;  // steps a report

std::map<int32_t, diagnose::RankPlace> PlacesIn(const ClusterSize& size) {
  std::map<int32_t, diagnose::RankPlace> places;
  for (int32_t rank = 0; rank < size.ranks(); ++rank) {
    places[rank] = {rank / size.gpus_a_node, rank % size.gpus_a_node, ""};
  }
  return places;
}

Element DrawCongested(const diagnose::Topology& topology, const ClusterSize& size, Random* random) {
  constexpr Element::Kind kKinds[] = {Element::Kind::kNode, Element::Kind::kPort, Element::Kind::kSwitch,
                                      Element::Kind::kRail};
  const Element::Kind kind = kKinds[random->Whole(0, 3)];
  std::vector<Element> elements = diagnose::ElementsOf(topology, PlacesIn(size));
  std::erase_if(elements, [&](const Element& element) { return element.kind != kind; });
  return elements[static_cast<size_t>(random->Whole(0, static_cast<int64_t>(elements.size()) - 1))];
}

// How the speed of one rank goes.
struct Course {
  double usual = 0;     // tokens/s
  int64_t onset = 0;    // a report's number; past the end: never
  bool behind = false;  // the congested element
};

class Job {
 public:
  Job(int32_t ranks, Random* random) : random_(*random), size_(SizeOf(ranks)) {
    const auto wiring = static_cast<Wiring>(random_.Whole(0, 2));
    job_.topology = MakeCluster(wiring, size_);
    job_.congested = DrawCongested(job_.topology, size_, &random_);
    reports_ = random_.Whole(100, 180);
    noise_ = random_.Between(0.005, 0.04);
    depth_ = random_.Between(0.3, 0.65);
    ramp_ = random_.Between(2, 50);
    begins_ = static_cast<int64_t>(random_.Between(0.3, 0.5) * static_cast<double>(reports_));
    fixed_ = random_.Chance(0.4)
                 ? begins_ + static_cast<int64_t>(random_.Between(0.3, 0.45) * static_cast<double>(reports_))
                 : reports_;
    // Of two ranks behind a port the order of 256 says nothing beyond chance: only counters do. So it is of all in a
    // small cluster.
    constexpr int32_t kRanksThatTell = 128;
    bool few =
        size_.ranks() < kRanksThatTell || (wiring == Wiring::kRails && job_.congested.kind == Element::Kind::kPort);
    counts_ = few || random_.Chance(0.8);
    speaks_ = random_.Chance(0.5);
    DrawCourses();
  }

  SlowJob Make() {
    for (int64_t report = 0; report < reports_; ++report) {
      for (int32_t rank = 0; rank < size_.ranks(); ++rank) Report(rank, report);
      constexpr int64_t kCountersEvery = 10;
      if (counts_ && report % kCountersEvery == 0) Count(report);
    }
    return std::move(job_);
  }

 private:
  void DrawCourses() {
    const double affected = random_.Between(0.85, 1), strays = random_.Between(0, 0.02);
    const double lag = random_.Between(3, 20), spread = random_.Between(1, 10);
    for (int32_t rank = 0; rank < size_.ranks(); ++rank) {
      bool behind = std::binary_search(job_.congested.ranks.begin(), job_.congested.ranks.end(), rank);
      Course course{80'000 * (1 + 0.01 * random_.Normal()), begins_, behind};
      // In a port of two ranks both are slow, or it would be no port.
      bool first = behind && (job_.congested.ranks.size() < 4 || random_.Chance(affected));
      if (first) course.onset += random_.Whole(0, 2);
      if (!first && random_.Chance(strays))
        course.onset += random_.Whole(-3, 2);
      else if (!first)
        course.onset += static_cast<int64_t>(lag + spread * random_.Exponential());
      courses_.push_back(course);
    }
  }

  double Speed(const Course& course, int64_t report) {
    double slow = report < course.onset || report >= fixed_
                      ? 0
                      : std::min(1.0, static_cast<double>(report - course.onset + 1) / ramp_);
    double after = report >= fixed_ ? 0.94 : 1;
    return course.usual * after * (1 - depth_ * slow) * (1 + noise_ * random_.Normal());
  }

  std::string Head(int64_t report, int32_t rank) {
    constexpr double kSecondsAReport = 40;
    auto time =
        kBegin + static_cast<base::TimeNs>((static_cast<double>(report) + random_.Unit()) * kSecondsAReport * 1e9);
    const int32_t node = rank / size_.gpus_a_node;
    return "{\"timestamp\":\"" + model::FormatTime(time) + "\",\"job_id\":\"j\",\"node_rank\":" + std::to_string(node) +
           ",\"rank\":" + std::to_string(rank) + ",\"local_rank\":" + std::to_string(rank % size_.gpus_a_node) +
           ",\"host\":\"gpu-" + std::to_string(node) + "\"";
  }

  void Report(int32_t rank, int64_t report) {
    const Course& course = courses_[static_cast<size_t>(rank)];
    constexpr double kTokensAStep = 262'144;
    double speed = Speed(course, report);
    char metrics[256];
    std::snprintf(
        metrics, sizeof metrics,
        ",\"stream\":\"metric\",\"step\":%lld,\"loss\":%.4f,\"throughput_tokens_per_sec\":%.0f,\"step_time_s\":%.3f,"
        "\"compute_time_s\":%.3f}",
        static_cast<long long>((report + 1) * kInterval), 2 + 1.0 / static_cast<double>(report + 1), speed,
        kTokensAStep / speed, 2.6 * (1 + 0.01 * random_.Normal()));
    job_.records.push_back(Head(report, rank) + metrics);
    bool complains = speaks_ && course.behind && report > course.onset && report < fixed_ && random_.Chance(0.01);
    if (complains) {
      job_.records.push_back(
          Head(report, rank) +
          R"x(,"stream":"stderr","msg":"gpu: NCCL WARN NET/IB : mlx5_3:1 Got non-fatal async event: port error(10)"})x");
    }
  }

  void Count(int64_t report) {
    std::map<std::pair<std::string, std::string>, bool> ports, devices;  // to whether they are congested
    for (int32_t rank = 0; rank < size_.ranks(); ++rank) {
      const diagnose::TopologyNode& node = job_.topology.nodes[static_cast<size_t>(rank / size_.gpus_a_node)];
      const auto gpu = static_cast<size_t>(rank % size_.gpus_a_node);
      auto of = [&](const std::vector<std::string>& names) { return names.size() == 1 ? names[0] : names[gpu]; };
      bool hot = courses_[static_cast<size_t>(rank)].behind && report > begins_ && report < fixed_;
      bool at_node = job_.congested.kind == Element::Kind::kNode;
      bool& port = ports[{of(node.switches), of(node.ports)}];
      bool& device = devices[{node.name, DeviceOf(rank % size_.gpus_a_node)}];
      port = port || (hot && !at_node);
      device = device || (hot && at_node);
    }
    for (const auto& [name, hot] : ports) CountPort("switch", "port", name, hot, report);
    for (const auto& [name, hot] : devices) CountPort("host", "device", name, hot, report);
  }

  void CountPort(const char* owner, const char* part, const std::pair<std::string, std::string>& name, bool hot,
                 int64_t report) {
    double& discards = counters_[name.first + name.second];
    discards += hot ? random_.Between(500, 5000) : random_.Chance(0.05) ? random_.Whole(1, 5) : 0;
    auto time = kBegin + report * 40 * base::kNsPerSecond;
    job_.records.push_back("{\"timestamp\":\"" + model::FormatTime(time) + "\",\"stream\":\"host\",\"" + owner +
                           "\":\"" + name.first + "\",\"" + part + "\":\"" + name.second +
                           "\",\"port_xmit_discards\":" + std::to_string(static_cast<int64_t>(discards)) + "}");
  }

  Random random_;
  const ClusterSize size_;
  SlowJob job_;
  int64_t reports_ = 0, begins_ = 0, fixed_ = 0;
  double noise_ = 0, depth_ = 0, ramp_ = 1;
  bool counts_ = true, speaks_ = false;
  std::vector<Course> courses_;
  std::map<std::string, double> counters_;
};

}  // namespace

SlowJob MakeSlowJob(int32_t ranks, Random* random) { return Job(ranks, random).Make(); }

}  // namespace rankscope::simulation
