#include "diagnose/actions/action_run.h"

namespace rankscope::diagnose {
namespace {

using Kind = model::JobOrder::Kind;

constexpr int64_t kPatienceNs = 15 * base::kNsPerSecond;  // py-spy takes its time, and a loaded node its own

class Inquiry : public ActionRun {
 public:
  Inquiry(ActionReport report, JobRanks ranks, ActionWays ways)
      : ActionRun(std::move(report), std::move(ways)), ranks_(std::move(ranks)) {}

  void Begin(int64_t now_ns) override {
    model::JobOrder order = NewOrder(KindOf(report_.request.action.name));
    if (order.kind == Kind::kLevel) order.level = report_.request.action.argument;
    if (order.kind == Kind::kInterval)
      order.interval = static_cast<uint32_t>(std::stoul(report_.request.action.argument));
    kind_ = order.kind;
    began_ns_ = now_ns;
    agents_ = ways_.tell(order);
    if (agents_ == 0) Finish("refused", "the job is not running: no agent is connected");
  }

  void Take(const model::JobAnswer& answer, int64_t now_ns) override {
    if (done() || answer.kind != kind_) return;
    bool first = answer.ranks.empty() || answer.ranks.front().outcome == "asked" || kind_ != Kind::kStacks;
    if (first) ++answered_;
    for (const model::RankAnswer& rank : answer.ranks) Note(rank);
    Tick(now_ns);
  }

  void Tick(int64_t now_ns) override {
    if (done()) return;
    bool waits = answered_ < agents_ || !RanksThatAre([](const auto& rank) { return rank.outcome == "asked"; }).empty();
    if (waits && now_ns - began_ns_ < kPatienceNs) return;
    NameTheSilent();
    Conclude();
  }

 private:
  static Kind KindOf(const std::string& name) {
    if (name == "resume_job") return Kind::kGo;
    if (name == "dump_stacks") return Kind::kStacks;
    return name == "set_level" ? Kind::kLevel : Kind::kInterval;
  }

  void NameTheSilent() {
    for (int32_t rank : ranks_.alive) {
      if (RankOutcome* outcome = OutcomeOf(rank); outcome->outcome.empty() || outcome->outcome == "asked") {
        outcome->outcome = "no answer";
        outcome->detail =
            "no process of this rank can be asked: it is not Python under `rankscope run`, or its agent is away";
        ways_.record(*outcome);
      }
    }
  }

  void Conclude() {
    bool all_well = true;
    auto is_well = [&](const RankOutcome& rank) {
      bool well = rank.outcome == "captured" || rank.outcome == "set" || rank.outcome == "resumed" ||
                  (kind_ == Kind::kGo && rank.outcome == "going");
      return well;
    };
    std::string well = RanksThatAre(is_well), ill = RanksThatAre([&](const auto&rank) { return !is_well(rank); });
    all_well = ill.empty();
    bool paused = ranks_.released || !RanksThatAre([](const auto& rank) { return rank.outcome == "resumed"; }).empty();
    if (kind_ == Kind::kGo && all_well && !paused)
      return Finish("refused", "the job was not paused: " + well + " go on");
    const char* did = kind_ == Kind::kGo ? "resumed" : kind_ == Kind::kStacks ? "captured" : "set";
    if (well.empty()) return Finish("refused", ill.empty() ? "no rank is there" : ill + ": " + WhyNot());
    Finish(all_well ? did : "incomplete", well + ": " + did + (all_well ? "" : "; " + ill + ": " + WhyNot()));
  }

  // Of the first that says so.
  std::string WhyNot() const {
    for (const RankOutcome& rank : report_.ranks) {
      if (rank.outcome == "cannot" || rank.outcome == "no answer") return rank.outcome + ": " + rank.detail;
    }
    return "not all have answered";
  }

  const JobRanks ranks_;
  Kind kind_ = Kind::kNone;
  int agents_ = 0, answered_ = 0;
  int64_t began_ns_ = 0;
};

}  // namespace

std::unique_ptr<ActionRun> MakeInquiry(ActionReport report, JobRanks ranks, ActionWays ways) {
  return std::make_unique<Inquiry>(std::move(report), std::move(ranks), std::move(ways));
}

}  // namespace rankscope::diagnose
