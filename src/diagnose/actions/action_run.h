#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "diagnose/actions/action_port.h"
#include "model/job_order.h"

// How one action goes on. Pure: time comes from the caller (monotonic), what is said goes out through Ways. One thread.
namespace rankscope::diagnose {

struct ActionWays {
  // Tells the job's agents; how many there are.
  std::function<int(const model::JobOrder&)> tell;
  std::function<int()> agents;  // how many streams the job has now
  // Something about one rank that its agent does not record.
  std::function<void(const RankOutcome&)> record;
};

// Whether people have been told on a channel.
struct Told {
  bool delivered = false, refused = false;  // neither: not yet
  std::string why;                          // what the other end says
};

// What is known of the job when the action begins.
struct JobRanks {
  int32_t attempt = 0;
  std::set<int32_t> alive;           // ranks that have begun and not ended
  std::optional<int64_t> last_step;  // the greatest that is reported
  bool released = false;             // a hold of this server's was under way, and is over with this
};

class ActionRun {
 public:
  virtual ~ActionRun() = default;
  virtual void Begin(int64_t now_ns) = 0;
  virtual void Take(const model::JobAnswer& answer, int64_t now_ns) = 0;
  virtual void Tick(int64_t now_ns) = 0;
  // Somebody else has let the ranks go.
  virtual void Release(const std::string& by) { (void)by; }
  const ActionReport& report() const { return report_; }

 protected:
  ActionRun(ActionReport report, ActionWays ways) : report_(std::move(report)), ways_(std::move(ways)) {}

  model::JobOrder NewOrder(model::JobOrder::Kind kind) const;
  // The one entry of the rank.
  RankOutcome* OutcomeOf(int32_t rank);
  void Note(const model::RankAnswer& answer);
  void Finish(const std::string& outcome, const std::string& summary);
  bool done() const { return report_.state == "done"; }
  // Of the ranks whose outcome it is: "ranks 0-2, 5"; empty: of none.
  std::string RanksThatAre(const std::function<bool(const RankOutcome&)>& are) const;

  ActionReport report_;
  const ActionWays ways_;
};

// pause_job and stop_job: all ranks wait, or end, before the same step, or none does.
std::unique_ptr<ActionRun> MakeHold(ActionReport report, JobRanks ranks, ActionWays ways);

// resume_job, dump_stacks, set_level, set_log_interval_steps: each rank is asked once.
std::unique_ptr<ActionRun> MakeInquiry(ActionReport report, JobRanks ranks, ActionWays ways);

// mark, notify_only: done with being recorded.
std::unique_ptr<ActionRun> MakeWord(ActionReport report);

// webhook: the incident goes to the channel by itself (Incident::channels); whether it arrives is looked at.
// `check_channel`: whether there is such a channel; kUnavailable: nobody can say now, and it is asked again.
std::unique_ptr<ActionRun> MakeWebhook(
    ActionReport report, std::function<base::Status(const std::string& channel)> check_channel,
    std::function<Told(const std::string& channel, const std::string& incident)> told);

// What ActionRun::RanksThatAre says, with its verb: "rank 3 has", "ranks 0-1 have".
std::string WithVerb(const std::string& ranks, const char* of_one, const char* of_several);

}  // namespace rankscope::diagnose
