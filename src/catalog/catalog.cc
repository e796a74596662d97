#include "catalog/catalog.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/file.h"
#include "catalog/database.h"
#include "catalog/job_state.h"
#include "catalog/launches.h"

namespace rankscope::catalog {
namespace {

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
    ASSIGN_OR_RETURN(uint64_t position, database_->Load([this](const Database::JobEntry& entry) {
      jobs_[{entry.project, entry.job}] = JobState::FromJson(entry.state);
    }));
    position_ = durable_position_ = position;
    saver_ = std::thread([this] { SaveLoop(); });
    return {};
  }

  base::Status Append(uint64_t end_position, std::shared_ptr<const model::RecordBatch> records) override {
    struct Known {
      JobState* job = nullptr;  // null: the record belongs to no job
      bool plain = false, metric = false;
    };
    std::lock_guard lock(mutex_);
    std::vector<Known> known;  // by origin
    for (const model::Origin& origin : records->origins()) {
      JobKey key(origin.project, origin.job);
      known.push_back({origin.job.empty() ? nullptr : &jobs_[key]});
      if (known.back().job) changed_.insert(std::move(key));
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
    position_ = end_position;
    return {};
  }

  uint64_t durable_position() const override { return durable_position_; }

  base::Result<std::vector<JobRow>> Jobs(base::TimeNs now, int64_t lost_after) override {
    std::vector<JobRow> rows;
    std::lock_guard lock(mutex_);
    for (const auto& [key, job] : jobs_) rows.push_back(job.Row(now, lost_after));
    std::sort(rows.begin(), rows.end(), [](const JobRow& a, const JobRow& b) { return a.started > b.started; });
    return rows;
  }

  base::Result<JobRow> Job(const std::string& job, base::TimeNs now, int64_t lost_after) override {
    std::lock_guard lock(mutex_);
    const JobState* found = Find(job);
    if (!found) return base::Status::NotFound("no job \"" + job + "\"");
    return found->Row(now, lost_after);
  }

  base::Result<std::vector<RankRow>> Ranks(const std::string& job) override {
    std::lock_guard lock(mutex_);
    const JobState* found = Find(job);
    if (!found) return base::Status::NotFound("no job \"" + job + "\"");
    return found->Ranks();
  }

  std::string JoinLaunch(const std::string& key, const std::string& member, base::TimeNs now,
                         int64_t lost_after) override {
    std::lock_guard lock(mutex_);
    return launches_.Join(key, member, now, lost_after, [this](const std::string& job) { return Find(job); });
  }

 private:
  const JobState* Find(const std::string& job) const {
    auto found = jobs_.find({project_, job});
    return found == jobs_.end() ? nullptr : &found->second;
  }

  // The journal replays what was not saved yet: one transaction a second is enough, however fast records come.
  void SaveLoop() {
    std::unique_lock lock(mutex_);
    for (bool last = false; !last;) {
      last = wake_.wait_for(lock, kSaveEvery, [this] { return stopping_; });
      if (position_ == durable_position_) continue;
      std::vector<Database::JobEntry> entries;
      for (const JobKey& key : changed_) entries.push_back({key.first, key.second, jobs_[key].ToJson()});
      std::set<JobKey> saving = std::exchange(changed_, {});
      uint64_t position = position_;
      lock.unlock();
      bool saved = database_->Save(position, entries).ok();
      lock.lock();
      if (saved) {
        durable_position_ = position;
      } else {
        changed_.merge(saving);  // a full disk: the next second tries again
      }
    }
  }

  const std::string project_;
  std::unique_ptr<Database> database_;  // the saver's own after Start
  std::atomic<uint64_t> durable_position_{0};
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::map<JobKey, JobState> jobs_;
  std::set<JobKey> changed_;
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
