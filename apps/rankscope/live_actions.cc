#include "live_actions.h"

namespace rankscope {
namespace {

using diagnose::JobActions;

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
  batch.count = 1;
  model::EncodeRecords({record}, &batch.bytes);
  (*ingest)->Submit(std::move(batch), [](const wire::FrameReceiver::Outcome&) {});
}

}  // namespace

std::unique_ptr<JobActions> MakeJobActions(const std::function<Projects*()>& projects,
                                           const std::function<wire::IngestServer*()>& agents) {
  JobActions::Ways ways;
  ways.tell = [agents](const std::string& project, const std::string& job, const model::JobOrder& order) {
    wire::IngestServer* server = agents();
    return server ? server->SendCommand(project, job, CommandOf(order)) : 0;
  };
  ways.agents = [agents](const std::string& project, const std::string& job) {
    wire::IngestServer* server = agents();
    return server ? server->open_streams(project, job) : 0;
  };
  ways.ranks = [projects](const std::string& project, const std::string& job) -> base::Result<diagnose::JobRanks> {
    Projects* all = projects();
    if (!all) return base::Status::Unavailable("the server is starting");
    return all->LiveRanks(project, job);
  };
  ways.record = [projects](const std::string& project, const model::Record& record) {
    if (Projects* all = projects()) Record(all, project, record);
  };
  return std::make_unique<JobActions>(std::move(ways));
}

}  // namespace rankscope
