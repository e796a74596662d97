#include "catalog/job_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "base/json_text.h"
#include "catalog/job_pause.h"
#include "model/event.h"
#include "model/record_json.h"
#include "model/time_text.h"

namespace rankscope::catalog {
namespace {

using Json = nlohmann::json;

constexpr char kImportedFrom[] = "imported_from";
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

bool Bad(const std::string& end) { return !end.empty() && end != "exit 0" && end != "unknown"; }

// The `rankscope run` that said it; records of others than ours have only the node.
std::string RunOf(const model::Record& record) {
  std::string run = Field(record, "run");
  return run.empty() ? std::to_string(record.origin.node_rank.value_or(-1)) + " " + record.origin.host : run;
}

Json Optional(const std::optional<int32_t>& value) { return value ? Json(*value) : Json(); }

std::optional<int32_t> FromOptional(const Json& json, const char* name) {
  return json.contains(name) && json[name].is_number() ? std::optional(json[name].get<int32_t>()) : std::nullopt;
}

// As text, since JSON has no number for NaN; earlier versions kept a number, and null for NaN.
std::string LossText(double loss) {
  std::string text;
  model::AppendJsonNumber(loss, &text);
  return text.starts_with('"') ? text.substr(1, text.size() - 2) : text;
}

std::optional<double> LossFrom(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (!json.is_string()) return std::nullopt;
  return std::strtod(json.get_ref<const std::string&>().c_str(), nullptr);
}

}  // namespace

void JobState::Take(const model::Record& record) {
  const bool event = record.stream == model::Stream::kEvent;
  const std::string name = event ? Field(record, "event") : "";
  if (event && name == "action") FollowPause(record, &row_.pause);
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
}

void JobState::NoteOrigin(const model::Origin& origin, model::Stream stream) {
  row_.project = origin.project;
  row_.job = origin.job;
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
  if (!Bad(end)) return;
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

// How the runs that have ended badly did, empty where none has.
std::string JobState::RunsEnd() const {
  for (const auto& [name, run] : runs_) {
    if (Bad(run.exit)) return "the command ended: " + run.exit;
  }
  return "";
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

bool JobState::ended() const {
  if (runs_.empty()) return is_imported();
  return std::all_of(runs_.begin(), runs_.end(), [](const auto& entry) { return entry.second.ended_at != 0; });
}

JobRow JobState::Row(base::TimeNs now, int64_t lost_after) const {
  JobRow row = row_;
  row.ranks_seen = RanksSeen();
  row.ranks_expected = RanksExpected();
  Condition condition = Judge(now, lost_after);
  row.state = std::move(condition.state);
  row.reason = std::move(condition.reason);
  if (row.state != "running") row.pause.reset();
  return row;
}

JobState::Condition JobState::Judge(base::TimeNs now, int64_t lost_after) const {
  if (!ended()) {
    bool heard = now - row_.last_heard <= lost_after || (row_.pause && MayBeSilent(*row_.pause, now));
    if (heard) return {"running", ""};
    return {"lost", "no word for " + model::FormatDuration(now - row_.last_heard)};
  }
  if (runs_.empty()) return {"imported", ""};
  auto bad_rank = first_bad_end_.find(row_.attempt);
  if (bad_rank != first_bad_end_.end()) return {"failed", bad_rank->second.reason};
  if (std::string bad_run = RunsEnd(); !bad_run.empty()) return {"failed", bad_run};
  bool known = std::none_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second.exit == "unknown"; });
  if (!known) return {AllRanksEndedWell() ? "finished" : "lost", "how the command ended is not known"};
  return {"finished", UnknownEnds()};
}

int32_t JobState::RanksSeen() const {
  return static_cast<int32_t>(
      std::count_if(ranks_.begin(), ranks_.end(), [&](const auto& rank) { return rank.first.first == row_.attempt; }));
}

int32_t JobState::RanksExpected() const {
  if (row_.ranks_expected == 0) return RanksSeen();
  auto after_last = ranks_.upper_bound({row_.attempt, INT32_MAX});
  if (after_last == ranks_.begin() || std::prev(after_last)->first.first != row_.attempt) return row_.ranks_expected;
  return std::max(row_.ranks_expected, std::min(std::prev(after_last)->first.second, INT32_MAX - 1) + 1);
}

// The command ended well: what is not known of its ranks all the same.
std::string JobState::UnknownEnds() const {
  int32_t expected = RanksExpected(), unseen = expected - RanksSeen();
  auto has_no_end = [&](const auto& rank) { return rank.first.first == row_.attempt && rank.second.exit.empty(); };
  auto open = std::count_if(ranks_.begin(), ranks_.end(), has_no_end);
  std::string of_all = " of " + base::Counted(static_cast<uint64_t>(expected), "rank");
  if (unseen > 0) return "the command ended: exit 0; " + std::to_string(unseen) + of_all + " not seen";
  return open > 0 ? "the command ended: exit 0; how " + std::to_string(open) + of_all + " ended is not known" : "";
}

std::optional<JobLife> JobState::Life(base::TimeNs now, int64_t lost_after) const {
  bool of_files = std::all_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second.of_files; });
  if (of_files) return std::nullopt;
  Condition condition = Judge(now, lost_after);
  JobLife life{row_.job, condition.state, condition.reason, row_.ranks_expected, row_.last_step};
  life.last_heard = row_.last_heard;
  life.launched = launched();
  for (const auto& [name, run] : runs_) {
    if (ended()) life.ended = std::max(life.ended, run.ended_at);
  }
  return life;
}

base::TimeNs JobState::launched() const {
  base::TimeNs first = 0;
  for (const auto& [name, run] : runs_) {
    if (run.started_at != 0) first = first == 0 ? run.started_at : std::min(first, run.started_at);
  }
  return first == 0 ? row_.started : first;
}

bool JobState::AllRanksEndedWell() const {
  int32_t well = 0;
  for (const auto& [key, rank] : ranks_) {
    if (key.first != row_.attempt) continue;
    if (rank.exit != "exit 0") return false;
    ++well;
  }
  return well > 0 && well >= RanksExpected();
}

std::vector<RankRow> JobState::Ranks() const {
  std::vector<RankRow> rows;
  for (const auto& [key, rank] : ranks_) rows.push_back(rank);
  return rows;
}

std::string JobState::ToJson() const {
  Json json = {{"project", row_.project},
               {"job", row_.job},
               {"attempt", row_.attempt},
               {"ranks_expected", row_.ranks_expected},
               {"started", row_.started},
               {"last_heard", row_.last_heard},
               {"configuration", row_.configuration}};
  if (row_.last_step) json["last_step"] = *row_.last_step;
  if (row_.last_loss) json["last_loss"] = LossText(*row_.last_loss);
  if (last_loss_time_ != 0) json["last_loss_time"] = last_loss_time_;
  if (first_attempt_ != 0) json["first_attempt"] = first_attempt_;
  if (imported_at_ != 0) json["imported_at"] = imported_at_;
  if (row_.pause) json["pause"] = catalog::ToJson(*row_.pause);
  for (const auto& [key, rank] : ranks_) {
    json["ranks"].push_back({{"attempt", rank.attempt},
                             {"rank", rank.rank},
                             {"node_rank", Optional(rank.node_rank)},
                             {"local_rank", Optional(rank.local_rank)},
                             {"host", rank.host},
                             {"gpu_uuid", rank.gpu_uuid},
                             {"source", rank.source},
                             {"run", rank.run},
                             {"pid", rank.pid},
                             {"exit", rank.exit}});
  }
  for (const auto& [name, run] : runs_) {
    json["runs"][name] = {
        {"member", run.member}, {"exit", run.exit}, {"ended_at", run.ended_at}, {"started_at", run.started_at}};
    if (run.of_files) json["runs"][name]["of_files"] = true;
  }
  for (const auto& [attempt, end] : first_bad_end_) {
    json["first_bad_end"][std::to_string(attempt)] = {{"time", end.time}, {"reason", end.reason}};
  }
  return base::JsonText(json);
}

JobState JobState::FromJson(const std::string& text) {
  JobState state;
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return state;
  state.row_.project = json.value("project", "default");
  state.row_.job = json.value("job", "");
  state.row_.attempt = json.value("attempt", 0);
  state.row_.ranks_expected = json.value("ranks_expected", 0);
  state.row_.started = json.value("started", int64_t{0});
  state.row_.last_heard = json.value("last_heard", int64_t{0});
  state.row_.configuration = json.value("configuration", std::map<std::string, std::string>());
  if (json.contains("last_step")) state.row_.last_step = json.value("last_step", int64_t{0});
  if (json.contains("last_loss")) state.row_.last_loss = LossFrom(json["last_loss"]);
  state.last_loss_time_ = json.value("last_loss_time", int64_t{0});
  state.first_attempt_ = json.value("first_attempt", 0);
  // Earlier versions took each run of a job that was imported for one of files.
  const bool by_name = state.row_.configuration.contains(kImportedFrom) && !json.contains("imported_at");
  state.imported_at_ = json.value("imported_at", by_name ? std::max<int64_t>(state.row_.last_heard, 1) : 0);
  state.row_.pause = PauseFromJson(json.value("pause", ""));
  for (const Json& entry : json.value("ranks", Json::array())) {
    RankRow rank;
    rank.attempt = entry.value("attempt", 0);
    rank.rank = entry.value("rank", 0);
    rank.node_rank = FromOptional(entry, "node_rank");
    rank.local_rank = FromOptional(entry, "local_rank");
    rank.host = entry.value("host", "");
    rank.gpu_uuid = entry.value("gpu_uuid", "");
    rank.source = entry.value("source", "");
    rank.run = entry.value("run", "");
    rank.pid = entry.value("pid", int64_t{0});
    rank.exit = entry.value("exit", "");
    state.ranks_[{rank.attempt, rank.rank}] = rank;
  }
  const Json runs = json.value("runs", Json::object());
  for (const auto& [name, run] : runs.items()) {
    state.runs_[name] = {run.value("member", ""), run.value("exit", ""), run.value("ended_at", int64_t{0}),
                         run.value("started_at", int64_t{0}), run.value("of_files", by_name)};
  }
  const Json ends = json.value("first_bad_end", Json::object());
  for (const auto& [attempt, end] : ends.items()) {
    state.first_bad_end_[std::atoi(attempt.c_str())] = {end.value("time", int64_t{0}), end.value("reason", "")};
  }
  return state;
}

}  // namespace rankscope::catalog
