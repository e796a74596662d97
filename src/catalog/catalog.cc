#include "catalog/catalog.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/nearest.h"
#include "catalog/database.h"
#include "catalog/job_state.h"
#include "catalog/launches.h"

namespace rankscope::catalog {
namespace {

constexpr int64_t kSilent = base::kNsPerSecond, kOver = 3600 * base::kNsPerSecond;
constexpr auto kSaveEvery = std::chrono::seconds(1);

using JobKey = std::pair<std::string, std::string>;  // project, job

class SqliteCatalog : public Catalog {
 public:
  explicit SqliteCatalog(std::string project) : project_(std::move(project)) {}
  ~SqliteCatalog() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (saver_.joinable()) saver_.join();
  }

  base::Status Start(const std::string& folder) {
    RETURN_IF_ERROR(base::MakeDirectories(folder));
    ASSIGN_OR_RETURN(database_, Database::Open(folder + "/catalog.sqlite"));
    auto take_job = [this](const Database::JobEntry& entry) {
      jobs_[{entry.project, entry.job}] = JobState::FromJson(entry.state);
    };
    auto take_pin = [this](const Database::PinEntry& entry) {
      pins_[{entry.project, entry.job}] = {entry.by, entry.note, entry.at};
    };
    ASSIGN_OR_RETURN(uint64_t position, database_->Load(take_job, take_pin));
    position_ = durable_position_ = position;
    saver_ = std::thread([this] { SaveLoop(); });
    return {};
  }

  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) override {
    struct Known {
      JobState* job = nullptr;  // null: the record belongs to no job
      bool plain = false, metric = false;
    };
    const int64_t now = base::MonotonicNow();
    std::lock_guard lock(mutex_);
    std::vector<Known> known;  // by origin
    for (const model::Origin& origin : records->origins()) {
      JobKey key(origin.project, origin.job);
      known.push_back({origin.job.empty() ? nullptr : &jobs_[key]});
      if (!known.back().job) continue;
      heard_[key] = now;
      changed_.insert(std::move(key));
    }
    model::RecordBatch::Cursor cursor(*records);
    model::RecordView view;
    model::Record record;
    while (cursor.Next(&view)) {
      Known& origin = known[view.origin_index];
      if (!origin.job) continue;
      if (view.stream == model::Stream::kEvent) {
        view.CopyTo(&record);
        origin.job->Take(record);
        for (Known& other : known) other.plain = other.metric = false;  // it may have forgotten them
        continue;
      }
      bool& told = view.stream == model::Stream::kMetric ? origin.metric : origin.plain;
      origin.job->TakePlain(view, told);
      told = true;
    }
    for (const model::Origin& origin : records->origins()) ForgetIfUnknown({origin.project, origin.job});
    position_ = end_position;
    return {};
  }

  uint64_t durable_position() const override { return durable_position_; }

  base::Result<std::vector<JobRow>> Jobs(base::TimeNs now, int64_t lost_after) override {
    std::vector<JobRow> rows;
    std::lock_guard lock(mutex_);
    for (const auto& [key, job] : jobs_) {
      if (job.started() != 0) rows.push_back(RowOf(key, job, now, lost_after));
    }
    std::sort(rows.begin(), rows.end(), [](const JobRow& a, const JobRow& b) { return a.started > b.started; });
    return rows;
  }

  base::Result<JobRow> Job(const std::string& job, base::TimeNs now, int64_t lost_after) override {
    std::lock_guard lock(mutex_);
    const JobState* found = Find(job);
    if (!found) return NoJob(job);
    return RowOf({project_, job}, *found, now, lost_after);
  }

  base::Result<std::vector<RankRow>> Ranks(const std::string& job) override {
    std::lock_guard lock(mutex_);
    const JobState* found = Find(job);
    if (!found) return NoJob(job);
    return found->Ranks();
  }

  std::vector<JobLife> Lives(base::TimeNs now, int64_t lost_after, base::TimeNs since) override {
    std::vector<JobLife> lives;
    std::lock_guard lock(mutex_);
    for (const auto& [key, job] : jobs_) {
      if (key.first != project_ || (job.last_heard() < since && job.ended())) continue;
      if (auto life = job.Life(now, lost_after)) lives.push_back(*std::move(life));
    }
    return lives;
  }

  // A server that was away does not know how long: time goes on from its start.
  std::vector<model::JobTime> SilentJobs(base::TimeNs now) override {
    std::vector<model::JobTime> silent;
    int64_t monotonic = base::MonotonicNow();
    std::lock_guard lock(mutex_);
    for (const auto& [key, job] : jobs_) {
      if (key.first != project_ || now - job.last_heard() > kOver || job.ended()) continue;
      auto heard = heard_.find(key);
      int64_t since = monotonic - (heard == heard_.end() ? opened_ : heard->second);
      // A clock of a rank that is far ahead says nothing of when that was.
      base::TimeNs last = job.last_heard() - now > kOver ? now - since : job.last_heard();
      if (since >= kSilent) silent.push_back({key.second, last + since});
    }
    return silent;
  }

  base::Status PinJob(const std::string& job, const Pin& pin) override {
    {
      std::lock_guard lock(mutex_);
      if (!Find(job)) return NoJob(job);
      pins_[{project_, job}] = pin;
      pins_changed_.insert({project_, job});
    }
    return Save();
  }

  base::Status NoteImport(const std::string& job, const std::string& from) override {
    {
      std::lock_guard lock(mutex_);
      JobKey key(project_, job);
      jobs_[key].NoteImport(project_, job, from, base::WallNow());
      changed_.insert(std::move(key));
    }
    return Save();
  }

  base::Status UnpinJob(const std::string& job) override {
    {
      std::lock_guard lock(mutex_);
      if (pins_.erase({project_, job}) == 0) return base::Status::NotFound("job \"" + job + "\" is not pinned");
      pins_changed_.insert({project_, job});
    }
    return Save();
  }

  base::Status DeleteJob(const std::string& job) override {
    {
      std::lock_guard lock(mutex_);
      JobKey key(project_, job);
      if (jobs_.erase(key) == 0) return NoJob(job);
      pins_.erase(key);
      heard_.erase(key);
      changed_.erase(key);
      pins_changed_.erase(key);
      launches_.ForgetJob(job);
      deleted_.insert(std::move(key));
    }
    return Save();
  }

  std::string JoinLaunch(const std::string& key, const std::string& member, base::TimeNs now,
                         int64_t lost_after) override {
    std::lock_guard lock(mutex_);
    return launches_.Join(key, member, now, lost_after, [this](const std::string& job) { return Find(job); });
  }

  int32_t FirstAttempt(const std::string& job, const std::string& member, base::TimeNs now,
                       int64_t lost_after) override {
    std::lock_guard lock(mutex_);
    return launches_.FirstAttempt(job, member, now, lost_after, [this](const std::string& name) { return Find(name); });
  }

 private:
  // REQUIRES mutex_. Of very many jobs none is named: to compare them all would keep records waiting.
  base::Status NoJob(const std::string& job) const {
    constexpr size_t kMostCompared = 1000;
    std::vector<std::string_view> known;
    if (jobs_.size() > kMostCompared) return base::Status::NotFound("no job \"" + job + "\"");
    for (const auto& [key, state] : jobs_) {
      if (key.first == project_ && state.started() != 0) known.push_back(key.second);
    }
    return base::Status::NotFound("no job \"" + job + "\"" + base::Nearest(job, known));
  }

  const JobState* Find(const std::string& job) const {
    auto found = jobs_.find({project_, job});
    bool known = found != jobs_.end() && found->second.started() != 0;  // else only that it will be imported
    return known ? &found->second : nullptr;
  }

  // REQUIRES mutex_. A job of which there is nothing but others' words (model::IsJudgement) is none, unless its files
  // are to come.
  void ForgetIfUnknown(const JobKey& key) {
    auto found = jobs_.find(key);
    if (found == jobs_.end() || found->second.started() != 0 || found->second.is_imported()) return;
    jobs_.erase(found);
    heard_.erase(key);
    changed_.erase(key);
  }

  // REQUIRES mutex_.
  JobRow RowOf(const JobKey& key, const JobState& job, base::TimeNs now, int64_t lost_after) const {
    JobRow row = job.Row(now, lost_after);
    if (auto pin = pins_.find(key); pin != pins_.end()) row.pin = pin->second;
    return row;
  }

  // The journal replays what was not saved yet: one transaction a second is enough, however fast records come.
  void SaveLoop() {
    std::unique_lock lock(mutex_);
    for (bool last = false; !last;) {
      last = wake_.wait_for(lock, kSaveEvery, [this] { return stopping_; });
      if (position_ == durable_position_ && deleted_.empty() && pins_changed_.empty()) continue;
      lock.unlock();
      (void)Save().ok();  // a full disk: the next second tries again
      lock.lock();
    }
  }

  // Everything that changed, with the position that it reflects.
  base::Status Save() {
    std::lock_guard saving(save_mutex_);
    std::unique_lock lock(mutex_);
    std::set<JobKey> changed = std::exchange(changed_, {}), deleted = std::exchange(deleted_, {}),
                     pins_changed = std::exchange(pins_changed_, {});
    Database::Changes changes;
    changes.position = position_;
    for (const JobKey& key : deleted) changes.deleted.push_back({key.first, key.second});
    for (const JobKey& key : changed) changes.jobs.push_back({key.first, key.second, jobs_[key].ToJson()});
    for (const JobKey& key : pins_changed) AddPin(key, &changes);
    lock.unlock();
    base::Status status = database_->Save(changes);
    lock.lock();
    if (status.ok()) {
      durable_position_ = changes.position;
      return status;
    }
    deleted_.merge(deleted);
    pins_changed_.merge(pins_changed);
    for (const JobKey& key : changed) {
      if (jobs_.contains(key)) changed_.insert(key);
    }
    return status;
  }

  // REQUIRES mutex_.
  void AddPin(const JobKey& key, Database::Changes* changes) const {
    auto pin = pins_.find(key);
    if (pin == pins_.end()) {
      changes->unpinned.push_back({key.first, key.second});
    } else {
      changes->pins.push_back({key.first, key.second, pin->second.by, pin->second.note, pin->second.at});
    }
  }

  const std::string project_;
  const int64_t opened_ = base::MonotonicNow();
  std::atomic<uint64_t> durable_position_{0};
  std::mutex save_mutex_;  // taken before mutex_. Guards database_ after Start
  std::unique_ptr<Database> database_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::map<JobKey, JobState> jobs_;
  std::map<JobKey, int64_t> heard_;  // when its last record came, by the monotonic clock
  std::map<JobKey, Pin> pins_;
  std::set<JobKey> changed_, deleted_, pins_changed_;  // not yet in the database
  Launches launches_;
  uint64_t position_ = 0;
  bool stopping_ = false;
  std::thread saver_;
};

}  // namespace

base::Result<std::unique_ptr<Catalog>> Catalog::Open(const std::string& folder, const std::string& project) {
  auto catalog = std::make_unique<SqliteCatalog>(project);
  RETURN_IF_ERROR(catalog->Start(folder));
  return std::unique_ptr<Catalog>(std::move(catalog));
}

}  // namespace rankscope::catalog
