#include "catalog/job_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "catalog/job_pause.h"
#include "model/event.h"

namespace rankscope::catalog {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostPlaces = 4096;  // bytes

std::string TextOf(const model::FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  return Json(std::get<double>(value)).dump();
}

std::string Field(const model::Record& record, std::string_view name) {
  const model::FieldValue* value = model::FindField(record.fields, name);
  return value ? TextOf(*value) : "";
}

int64_t Integer(const model::Record& record, std::string_view name) {
  const model::FieldValue* value = model::FindField(record.fields, name);
  const auto* integer = value ? std::get_if<int64_t>(value) : nullptr;
  return integer ? *integer : 0;
}

std::string EndOf(const model::Record& record) {
  if (std::string signal = Field(record, "signal"); !signal.empty()) {
    return Field(record, "oom_kill") == "true" ? signal + " (oom)" : signal;
  }
  std::string code = Field(record, "exit_code");
  return code.empty() ? "unknown" : "exit " + code;
}

// "cuda_oom on rank 3: torch.OutOfMemoryError: …"; empty: it says that nothing is wrong.
std::string DiagnosisOf(const model::Record& event) {
  std::string told = Field(event, "class");
  if (told == "none") return "";
  if (event.origin.rank) told += " on rank " + std::to_string(*event.origin.rank);
  const std::string root = Field(event, "root_line");
  return root.empty() ? told : told + ": " + root;
}

// The `rankscope run` that said it; records of others than ours have only the node.
std::string RunOf(const model::Record& record) {
  std::string run = Field(record, "run");
  return run.empty() ? std::to_string(record.origin.node_rank.value_or(-1)) + " " + record.origin.host : run;
}

}  // namespace

void JobState::Take(const model::Record& record) {
  const bool event = record.stream == model::Stream::kEvent;
  const std::string name = event ? Field(record, "event") : "";
  if (event && name == "action") FollowPause(record, &row_.pause);
  if (event && name == "diagnosis") TakeDiagnosis(record);
  if (event && model::IsJudgement(name)) return;
  if (name == "job_start") {
    if (IsUncounted(record)) first_attempt_ = record.origin.attempt;
    if (!IsOfEarlierLaunch(record.origin)) StartRun(record);
  }
  NoteTime(record.time);
  NoteOrigin(record.origin, record.stream);
  NoteStep(record.origin, record.step);
  if (const model::FieldValue* loss = model::FindField(record.fields, "loss")) {
    NoteLoss(record.origin, record.time, model::AsNumber(*loss));
  }
  if (event) TakeEvent(name, record);
}

void JobState::TakePlain(const model::RecordView& record, bool known_origin) {
  NoteTime(record.time);
  if (!known_origin) NoteOrigin(*record.origin, record.stream);
  NoteStep(*record.origin, record.step);
  if (record.fields.empty()) return;
  const model::FieldView* loss = record.FindField("loss");
  if (!loss || loss->kind == model::FieldView::Kind::kText) return;
  NoteLoss(*record.origin, record.time, model::AsNumber(loss->Value()));
}

// It may come before the first record of its attempt.
void JobState::TakeDiagnosis(const model::Record& event) {
  if (event.origin.attempt < std::max(row_.attempt, diagnosed_attempt_)) return;
  row_.diagnosis = DiagnosisOf(event);
  diagnosed_attempt_ = event.origin.attempt;
}

void JobState::NoteStep(const model::Origin& origin, const std::optional<int64_t>& step) {
  if (!step || IsOfEarlierLaunch(origin)) return;
  row_.last_step = std::max(row_.last_step.value_or(*step), *step);
}

// By time, not by arrival: the window of what a rank logged last comes only with its end.
void JobState::NoteLoss(const model::Origin& origin, base::TimeNs time, const std::optional<double>& loss) {
  if (!loss || IsOfEarlierLaunch(origin) || time < last_loss_time_) return;
  row_.last_loss = loss;
  last_loss_time_ = time;
}

void JobState::NoteTime(base::TimeNs time) {
  row_.started = row_.started == 0 ? time : std::min(row_.started, time);
  row_.last_heard = std::max(row_.last_heard, time);
  ++row_.records;
}

void JobState::NoteOrigin(const model::Origin& origin, model::Stream stream) {
  row_.project = origin.project;
  row_.job = origin.job;
  if (origin.attempt > std::max(row_.attempt, diagnosed_attempt_)) row_.diagnosis.clear();
  row_.attempt = std::max(row_.attempt, origin.attempt);
  RankRow* rank = RankOf(origin);
  if (!rank) return;
  rank->attempt = origin.attempt;
  rank->rank = *origin.rank;
  if (origin.node_rank) rank->node_rank = origin.node_rank;
  if (origin.local_rank) rank->local_rank = origin.local_rank;
  if (!origin.host.empty()) rank->host = origin.host;
  if (stream == model::Stream::kMetric) rank->source = "hook";
  if (rank->source.empty()) rank->source = "console";
}

RankRow* JobState::RankOf(const model::Origin& origin) {
  if (!origin.rank) return nullptr;
  const std::pair key(origin.attempt, *origin.rank);
  auto [rank, is_new] = ranks_.try_emplace(key);
  if (!is_new) return &rank->second;
  ForgetOldAttempts();
  return ranks_.contains(key) ? &rank->second : nullptr;
}

void JobState::ForgetOldAttempts() {
  auto oldest = ranks_.end();  // of those that are kept
  for (size_t kept = 0; oldest != ranks_.begin(); ++kept) {
    const int32_t attempt = std::prev(oldest)->first.first;
    if (kept == kKeptAttempts) {
      ranks_.erase(ranks_.begin(), oldest);
      first_bad_end_.erase(first_bad_end_.begin(), first_bad_end_.upper_bound(attempt));
      return;
    }
    oldest = ranks_.lower_bound({attempt, INT32_MIN});
  }
}

void JobState::TakeEvent(const std::string& name, const model::Record& record) {
  const model::Origin& origin = record.origin;
  bool is_of_a_run = name == "job_start" || name == "node_end" || name == "training_arguments" || name == "versions";
  if (is_of_a_run && IsOfEarlierLaunch(origin)) return;  // it comes late: its agent had been killed
  // A rank knows how many there are; the start only supposes.
  int64_t size = Integer(record, "world_size");
  if (size > 0 && !IsOfEarlierLaunch(origin) && (name != "job_start" || row_.ranks_expected == 0))
    row_.ranks_expected = static_cast<int32_t>(size);
  if (name == "job_start" || name == "training_arguments" || name == "versions") {
    Configure(record);
  } else if (name == "rank_start" && origin.rank) {
    StartRank(record);
  } else if (name == "rank_gpu" && origin.rank) {
    if (RankRow* rank = RankOf(origin)) rank->gpu_uuid = Field(record, "gpu_uuid");
  } else if (name == "rank_exit" && origin.rank) {
    EndRank(record);
  } else if (name == "node_end") {
    auto [run, is_new] = runs_.try_emplace(RunOf(record));
    if (is_new) run->second.of_files = record.time < imported_at_;
    run->second.exit = EndOf(record);
    run->second.ended_at = record.time;
  }
}

// The server that knew of the launch before gave this one an attempt of its own. Where it could not, a member that
// comes again after all have ended, or whoever comes after a long silence, has been launched again under the same id,
// and nothing tells the two launches' ranks apart. One that comes while others go on has come back to them.
void JobState::StartRun(const model::Record& record) {
  if (record.origin.attempt > row_.attempt) BeginLaunch(record.origin.attempt);
  Run run{Field(record, "member"), "", 0, record.time, record.time < imported_at_};
  if (run.member.empty()) run.member = RunOf(record);
  bool is_silent = FollowsSilence(record);
  bool all_ended =
      std::all_of(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second.ended_at != 0; });
  size_t earlier = std::erase_if(runs_, [&](const auto& entry) { return entry.second.member == run.member; });
  if (is_silent || (earlier > 0 && all_ended)) ForgetLastLaunch();
  runs_[RunOf(record)] = std::move(run);
}

bool JobState::FollowsSilence(const model::Record& start) const {
  return !runs_.empty() && start.time - row_.last_heard > kSilentLaunch;
}

bool JobState::IsUncounted(const model::Record& start) const {
  if (!IsOfEarlierLaunch(start.origin)) return false;
  auto is_before = [&](const auto& run) { return run.second.ended_at < start.time; };
  return FollowsSilence(start) || (ended() && std::all_of(runs_.begin(), runs_.end(), is_before));
}

void JobState::BeginLaunch(int32_t first_attempt) {
  first_attempt_ = first_attempt;
  runs_.clear();
  std::erase_if(row_.configuration, [](const auto& entry) { return entry.first != kImportedFrom; });
  row_.ranks_expected = 0;
  row_.last_step.reset();
  row_.last_loss.reset();
  last_loss_time_ = 0;
  row_.pause.reset();
  row_.diagnosis.clear();
  diagnosed_attempt_ = 0;
}

void JobState::ForgetLastLaunch() {
  BeginLaunch(first_attempt_);
  std::erase_if(ranks_, [this](const auto& rank) { return rank.first.first >= first_attempt_; });
  std::erase_if(first_bad_end_, [this](const auto& end) { return end.first >= first_attempt_; });
  row_.attempt = first_attempt_;
}

// A rank lives in one run: another that has it now says that the one before is over, though it could not say so.
void JobState::StartRank(const model::Record& record) {
  RankRow* rank = RankOf(record.origin);
  if (!rank) return;
  std::string run = Field(record, "run"), source = Field(record, "source");
  // The script around a rank looks like a rank without a channel; the rank itself counts.
  if (source == "exit only" && rank->run == run && rank->pid != 0 && rank->exit.empty()) return;
  if (!rank->run.empty() && rank->run != run) runs_.erase(rank->run);
  rank->run = run;
  rank->pid = Integer(record, "pid");
  rank->source = source;
  rank->exit.clear();
}

// The first to end badly is the one to look at; what follows are mostly its peers, ended by the launcher.
void JobState::EndRank(const model::Record& record) {
  std::string end = EndOf(record);
  RankRow* rank = RankOf(record.origin);
  if (!rank) return;
  if (int64_t pid = Integer(record, "pid"); pid != 0 && rank->pid != 0 && pid != rank->pid) return;
  rank->exit = end;
  if (!IsBad(end)) return;
  auto [first, added] = first_bad_end_.try_emplace(record.origin.attempt);
  if (!added && first->second.time <= record.time) return;
  first->second = {record.time, "rank " + std::to_string(*record.origin.rank) + ": " + end};
}

// What the start says, and what the ranks' hooks find out later. Of several nodes, node 0's word counts.
void JobState::Configure(const model::Record& record) {
  bool first = record.origin.node_rank.value_or(0) == 0;
  for (const auto& [key, value] : record.fields) {
    if (key == "event" || key == "run" || key == "member" || key == kImportedFrom) continue;  // the last: NoteImport's
    if (first) {
      row_.configuration[key] = TextOf(value);
    } else {
      row_.configuration.try_emplace(key, TextOf(value));
    }
  }
}

void JobState::NoteImport(const std::string& project, const std::string& job, const std::string& from,
                          base::TimeNs now) {
  row_.project = project;
  row_.job = job;
  imported_at_ = now;
  std::string& places = row_.configuration[kImportedFrom];
  if (places.size() > kMostPlaces || (", " + places + ",").find(", " + from + ",") != std::string::npos) return;
  places += (places.empty() ? "" : ", ") + from;
  if (places.size() > kMostPlaces) places += ", …";
}

std::vector<RankRow> JobState::Ranks() const {
  std::vector<RankRow> rows;
  for (const auto& [key, rank] : ranks_) rows.push_back(rank);
  return rows;
}

}  // namespace rankscope::catalog
