#include "diagnose/actions/action_run.h"

namespace rankscope::diagnose {
namespace {

constexpr int64_t kLookEveryNs = base::kNsPerSecond;
constexpr int64_t kPatienceNs = 600 * base::kNsPerSecond;  // groups wait, and who does not answer is tried again

using Check = std::function<base::Status(const std::string& channel)>;
using Look = std::function<Told(const std::string& channel, const std::string& incident)>;

class Webhook : public ActionRun {
 public:
  Webhook(ActionReport report, Check check, Look told)
      : ActionRun(std::move(report), {}), check_(std::move(check)), told_(std::move(told)) {}

  void Begin(int64_t now_ns) override {
    began_ns_ = now_ns;
    if (report_.request.incident.empty()) return Finish("refused", "there is no incident that could be sent");
    report_.summary = "the incident " + report_.request.incident + " goes to " + name();
    Tick(now_ns);
  }

  void Take(const model::JobAnswer&, int64_t) override {}

  void Tick(int64_t now_ns) override {
    if (done() || now_ns < look_at_ns_) return;
    look_at_ns_ = now_ns + kLookEveryNs;
    Told told = told_(name(), report_.request.incident);
    if (told.delivered) return Finish("sent", "the incident " + report_.request.incident + " was sent to " + name());
    base::Status channel = check_(name());
    if (!channel.ok() && channel.code() != base::Code::kUnavailable) return Finish("refused", channel.message());
    if (!channel.ok()) told.why = channel.message();
    if (told.refused) return Finish("given_up", name() + " was not told: " + told.why);
    if (now_ns - began_ns_ < kPatienceNs) return;
    Finish("incomplete", name() + " was not told within 10 minutes, and may still be" +
                             (told.why.empty() ? ": it is silenced, muted, or waits for its group" : ": " + told.why));
  }

 private:
  const std::string& name() const { return report_.request.action.argument; }

  const Check check_;
  const Look told_;
  int64_t began_ns_ = 0, look_at_ns_ = 0;
};

// Has an outcome at once: mark, notify_only.
class Word : public ActionRun {
 public:
  explicit Word(ActionReport report) : ActionRun(std::move(report), {}) {}
  void Begin(int64_t) override {
    const char* outcome = report_.request.action.name == "mark" ? "marked" : "told";
    Finish(outcome, outcome);
  }
  void Take(const model::JobAnswer&, int64_t) override {}
  void Tick(int64_t) override {}
};

}  // namespace

std::unique_ptr<ActionRun> MakeWebhook(ActionReport report, Check check_channel, Look told) {
  return std::make_unique<Webhook>(std::move(report), std::move(check_channel), std::move(told));
}

std::unique_ptr<ActionRun> MakeWord(ActionReport report) { return std::make_unique<Word>(std::move(report)); }

}  // namespace rankscope::diagnose
