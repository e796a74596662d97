#include "query/plan.h"

#include <algorithm>

#include "query/row_aggregator.h"

namespace rankscope::query {
namespace {

template <typename T>
const T* As(const Pipe& pipe) {
  return std::get_if<T>(&pipe);
}

bool KeepsRowsAndOrder(const Pipe& pipe) { return As<JoinPipe>(pipe) != nullptr; }

// A limit goes before a pipe that makes one row of each; a sort before a limit need not keep more.
void MoveLimits(std::vector<Pipe>* pipes) {
  for (size_t i = 1; i < pipes->size(); ++i) {
    for (size_t at = i; at > 0 && As<LimitPipe>((*pipes)[at]) && KeepsRowsAndOrder((*pipes)[at - 1]); --at) {
      std::swap((*pipes)[at], (*pipes)[at - 1]);
    }
  }
  for (size_t i = 1; i < pipes->size(); ++i) {
    auto* sort = std::get_if<SortPipe>(&(*pipes)[i - 1]);
    const auto* limit = As<LimitPipe>((*pipes)[i]);
    if (sort && limit) sort->keep = limit->count;
  }
}

const SortPipe::Key* TimeSort(const Pipe& pipe) {
  const auto* sort = As<SortPipe>(pipe);
  return sort && sort->keys.size() == 1 && sort->keys[0].name == "timestamp" ? &sort->keys[0] : nullptr;
}

void Add(const std::vector<std::string>& names, std::vector<std::string>* fields) {
  fields->insert(fields->end(), names.begin(), names.end());
}

// The keys that are looked at up to the pipe that makes other rows; none: all, since records are the answer.
std::vector<std::string> FieldsOf(const std::vector<Pipe>& pipes) {
  std::vector<std::string> fields = {"timestamp"};
  for (const Pipe& pipe : pipes) {
    if (const auto* sort = As<SortPipe>(pipe)) {
      for (const auto& key : sort->keys) fields.push_back(key.name);
    } else if (const auto* first = As<FirstPipe>(pipe)) {
      Add(first->by, &fields);
    } else if (const auto* chosen = As<FieldsPipe>(pipe)) {
      Add(chosen->names, &fields);
      return fields;
    } else if (const auto* stats = As<StatsPipe>(pipe)) {
      Add(KeysOf(stats->aggregation), &fields);
      return fields;
    } else if (!As<LimitPipe>(pipe)) {
      return {};
    }
  }
  return {};
}

// Lets the source do what the first pipe says; false: it has to be done here.
bool PushDown(const Pipe& pipe, Plan* plan) {
  if (const auto* key = TimeSort(pipe); key && plan->scan.limit == 0) {
    plan->scan.newest_first = key->descending;
    return true;
  }
  if (const auto* limit = As<LimitPipe>(pipe)) {
    if (limit->count == 0) plan->source = Plan::Source::kNothing;
    plan->scan.limit = plan->scan.limit == 0 ? limit->count : std::min(plan->scan.limit, limit->count);
    return true;
  }
  if (plan->scan.limit > 0 || plan->source != Plan::Source::kRecords) return false;
  if (const auto* stats = As<StatsPipe>(pipe)) {
    plan->source = Plan::Source::kTable;
    plan->aggregation = stats->aggregation;
    return true;
  }
  if (!As<PatternsPipe>(pipe)) return false;
  plan->source = Plan::Source::kPatterns;
  return true;
}

bool ReadsRecords(const Plan& plan) {
  return plan.source == Plan::Source::kRecords || plan.source == Plan::Source::kNothing;
}

}  // namespace

Plan MakePlan(const Query& query) {
  Plan plan;
  plan.scan.project = query.project;
  plan.scan.filter = query.filter;
  plan.pipes = query.pipes;
  MoveLimits(&plan.pipes);
  size_t done = 0;
  while (done < plan.pipes.size() && ReadsRecords(plan) && PushDown(plan.pipes[done], &plan)) ++done;
  plan.pipes.erase(plan.pipes.begin(), plan.pipes.begin() + static_cast<std::ptrdiff_t>(done));
  if (plan.source == Plan::Source::kRecords) plan.scan.fields = FieldsOf(plan.pipes);
  return plan;
}

}  // namespace rankscope::query
