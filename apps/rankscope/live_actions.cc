#include "live_actions.h"

#include <atomic>

#include "base/clock.h"

namespace rankscope {
namespace {

using diagnose::JobActions;

// An agent that has lost its server tries again every 5 s at most.
constexpr int64_t kAgentsComeBackNs = 15 * base::kNsPerSecond;

// The setting also reaches agents that connect later.
wire::Command CommandOf(const model::JobOrder& order) {
  wire::Command command;
  command.log_interval_steps = order.interval;
  command.order = order;
  return command;
}

void Record(Projects* projects, const std::string& project, const model::Record& record) {
  auto ingest = projects->IngestOf(project);
  if (!ingest.ok()) return;
  ingest::Ingest::Batch batch;
  batch.project = project;
  batch.records = model::BatchOf({record});
  (*ingest)->Submit(std::move(batch), [](const wire::FrameReceiver::Outcome&) {});
}

diagnose::Told TellingOf(notify::LiveNotifier* live, const std::string& channel, const std::string& incident) {
  auto notifier = live->Get();
  if (!notifier) return {};
  notify::TellingFilter filter;
  filter.channel = channel;
  filter.incident = incident;
  auto tellings = notifier->Tellings(filter);
  const notify::Telling* best = tellings.ok() ? notify::FurthestOf(*tellings) : nullptr;
  if (!best) return {};
  bool pending = best->state == notify::DeliveryState::kPending;
  bool delivered = best->state == notify::DeliveryState::kDelivered;
  return {delivered, !delivered && !pending, best->why};
}

void TellAgents(JobActions::Ways* ways, const std::function<wire::IngestServer*()>& agents) {
  ways->tell = [agents](const std::string& project, const std::string& job, const model::JobOrder& order) {
    wire::IngestServer* server = agents();
    return server ? server->SendCommand(project, job, CommandOf(order)) : 0;
  };
  ways->agents = [agents](const std::string& project, const std::string& job) {
    wire::IngestServer* server = agents();
    return server ? server->open_streams(project, job) : 0;
  };
  auto since = std::make_shared<std::atomic<int64_t>>(0);  // when the agents' door was first seen open
  ways->starting = [agents, since](const std::string& project, const std::string& job) {
    wire::IngestServer* server = agents();
    if (!server || job.empty()) return !server;
    int64_t none = 0, now = base::MonotonicNow();
    since->compare_exchange_strong(none, now);
    return server->open_streams(project, job) == 0 && now - *since < kAgentsComeBackNs;
  };
}

void TellPeople(JobActions::Ways* ways, notify::LiveNotifier* notifier) {
  ways->check_channel = [notifier](const std::string& channel) { return CheckChannel(notifier, channel); };
  ways->told = [notifier](const std::string& channel, const std::string& incident) {
    return notifier ? TellingOf(notifier, channel, incident) : diagnose::Told();
  };
}

}  // namespace

base::Status CheckChannel(notify::LiveNotifier* live, const std::string& channel) {
  if (!live) return base::Status::Invalid("this server tells nobody: it was started without --notify");
  auto notifier = live->Get();
  if (!notifier) return base::Status::Unavailable("nobody can be told now: the delivery log is not open");
  if (notifier.config()->Find(channel)) return {};
  std::string known;
  for (const notify::Channel& each : notifier.config()->channels) known += (known.empty() ? "" : ", ") + each.name;
  return base::Status::NotFound("no channel \"" + channel + "\" of notifications; there are " + known);
}

std::unique_ptr<JobActions> MakeJobActions(const std::function<Projects*()>& projects,
                                           const std::function<wire::IngestServer*()>& agents,
                                           notify::LiveNotifier* notifier) {
  JobActions::Ways ways;
  TellAgents(&ways, agents);
  TellPeople(&ways, notifier);
  ways.ranks = [projects](const std::string& project, const std::string& job) -> base::Result<diagnose::JobRanks> {
    Projects* all = projects();
    if (!all) return base::Status::Unavailable("the server is starting");
    return all->LiveRanks(project, job);
  };
  ways.record = [projects](const std::string& project, const model::Record& record) {
    if (Projects* all = projects()) Record(all, project, record);
  };
  ways.conclude = [projects](const std::string& project, const std::string& finding, model::Record event) {
    Projects* all = projects();
    if (!all) return base::Status::Unavailable("the server is starting");
    return all->Conclude(project, finding, std::move(event));
  };
  return std::make_unique<JobActions>(std::move(ways));
}

}  // namespace rankscope
