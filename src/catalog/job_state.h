#pragma once

#include <map>
#include <string>
#include <utility>

#include "catalog/catalog.h"

namespace rankscope::catalog {

// What the catalog knows of one job, derived from its records in the order of arrival. Pure.
class JobState {
 public:
  // Ranks are known of the last attempts of which there are any; what is heard of those before changes nothing.
  static constexpr size_t kKeptAttempts = 16;
  // A launch that could not ask the server whether it is another one is, once the job has said nothing for so long.
  static constexpr int64_t kSilentLaunch = 600 * base::kNsPerSecond;

  void Take(const model::Record& record);
  // Likewise of a record that is no event. `known_origin`: one of the same origin, and as much a metric, came since the
  // last event.
  void TakePlain(const model::RecordView& record, bool known_origin);

  JobRow Row(base::TimeNs now, int64_t lost_after) const;
  // As the row has them; nothing: none of our runs is of the job, or they came out of imported files.
  std::optional<JobLife> Life(base::TimeNs now, int64_t lost_after) const;
  std::vector<RankRow> Ranks() const;

  // Each `rankscope run` of the job: its member (the place in the launch that it has: "node 0"), and whether it goes
  // on.
  struct Run {
    std::string member;
    std::string exit;             // of its command: "exit 0"; empty: it goes on
    base::TimeNs ended_at = 0;    // 0: it goes on
    base::TimeNs started_at = 0;  // 0: not known
    bool of_files = false;        // imported: nobody watches it
  };
  const std::map<std::string, Run>& runs() const { return runs_; }
  // Its records were files, and lay there: also there, where it was told of other places before. They may still come.
  void NoteImport(const std::string& project, const std::string& job, const std::string& from, base::TimeNs now);
  bool is_imported() const { return imported_at_ != 0; }
  // Whether each of its runs is over. One without runs is only if it was imported.
  bool ended() const;
  // The attempt with which its last launch began, and the highest that was heard of.
  int32_t first_attempt() const { return first_attempt_; }
  int32_t last_attempt() const { return row_.attempt; }
  base::TimeNs started() const { return row_.started; }
  base::TimeNs launched() const;  // the last time, where that is known
  base::TimeNs last_heard() const { return row_.last_heard; }

  // The form kept in the database.
  std::string ToJson() const;
  static JobState FromJson(const std::string& text);

 private:
  struct BadEnd {
    base::TimeNs time = 0;
    std::string reason;  // "rank 2: SIGKILL"
  };
  void NoteOrigin(const model::Origin& origin, model::Stream stream);
  void NoteTime(base::TimeNs time);
  void TakeDiagnosis(const model::Record& event);
  void NoteStep(const model::Origin& origin, const std::optional<int64_t>& step);
  void NoteLoss(const model::Origin& origin, base::TimeNs time, const std::optional<double>& loss);
  bool IsOfEarlierLaunch(const model::Origin& origin) const { return origin.attempt < first_attempt_; }
  void TakeEvent(const std::string& name, const model::Record& record);
  RankRow* RankOf(const model::Origin& origin);  // null: its attempt is no longer known
  void ForgetOldAttempts();
  void StartRun(const model::Record& record);
  void StartRank(const model::Record& record);
  void EndRank(const model::Record& record);
  void Configure(const model::Record& record);
  void BeginLaunch(int32_t first_attempt);
  void ForgetLastLaunch();
  // Whether the job had said nothing for so long that nobody of its last launch can have gone on.
  bool FollowsSilence(const model::Record& start) const;
  // Whether it is of a launch that begins behind the end of all that were known, though it could not ask which it is.
  bool IsUncounted(const model::Record& start) const;
  static bool IsBad(const std::string& end);
  std::string RunsEnd() const;
  struct Condition {
    std::string state, reason;
  };
  Condition Judge(base::TimeNs now, int64_t lost_after) const;
  int32_t RanksSeen() const;      // of the last attempt
  int32_t RanksExpected() const;  // a rank beyond the world that is told is one of more
  std::string UnknownEnds() const;
  bool AllRanksEndedWell() const;  // of the last attempt; none: false

  static constexpr char kImportedFrom[] = "imported_from";  // of the configuration

  JobRow row_;
  int32_t first_attempt_ = 0;      // of the last launch; those before belong to launches before
  int32_t diagnosed_attempt_ = 0;  // that row_.diagnosis is of, which may have no other record yet
  base::TimeNs imported_at_ = 0;   // 0: it was not
  base::TimeNs last_loss_time_ = 0;
  std::map<std::pair<int32_t, int32_t>, RankRow> ranks_;  // by attempt and rank
  std::map<std::string, Run> runs_;                       // by the name that the agent gave it
  std::map<int32_t, BadEnd> first_bad_end_;               // by attempt
};

}  // namespace rankscope::catalog
