#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "notify/delivery_log.h"
#include "notify/planner.h"
#include "notify/sender.h"

namespace rankscope::notify {

// Tells people. What it takes is on the disk; what it tells is there before it is sent; so whatever happens to this
// process, each state is told on each channel it is for, in one message, whose bytes never change: at least once, with
// the same delivery id. Who was told that something fires is told of its end. Any thread.
class Notifier {
 public:
  struct Options {
    std::string path;  // of the delivery log
    std::shared_ptr<const Config> config;
    // Of plans and waits; tests have their own. Default: the wall clock at the start, which then only goes forward.
    std::function<base::TimeNs()> now;
    // What the operator should hear of; called in any thread.
    std::function<void(const std::string&)> warn;
  };
  static base::Result<std::unique_ptr<Notifier>> Start(Options options);
  // What has not been told is told after the next start.
  ~Notifier();

  // On the disk when it returns. kInvalid: an update without incident or version. An update of a version that was taken
  // before says nothing new; so a caller that does not know what was taken gives all again.
  base::Status Take(const Update& update) { return Take(std::span(&update, 1)); }
  base::Status Take(std::span<const Update> updates);

  // kInvalid: what the silence lacks. One with an id that is known takes its place; without one it gets one, which is
  // returned.
  base::Result<std::string> Silence(notify::Silence silence);
  base::Status EndSilence(const std::string& id);    // also of one that is not known
  std::vector<notify::Silence> SilencesNow() const;  // that have not ended

  // The last version taken of the incident, also of one that is over, for 7 days; 0: none.
  base::Result<uint64_t> VersionOf(const std::string& incident) const;
  // The project's open incidents and stalled jobs, as they were taken last.
  std::vector<std::shared_ptr<const Update>> Open(const std::string& project) const;
  // Newest first.
  base::Result<std::vector<Telling>> Tellings(const TellingFilter& filter) const;
  // When there was a delivery log first: nobody was told anything before.
  base::TimeNs began() const { return began_; }

  std::vector<ChannelStatus> Channels() const;
  // Whether nothing is to be told now and every message has arrived or was given up.
  bool Idle() const;

 private:
  explicit Notifier(Options options);
  base::Status Restore();
  void Work();
  void Advance();
  void PlanMore(base::TimeNs now);
  bool RecordPlanned();
  void NoteTroubles(base::TimeNs now);
  void NoteFailing();
  base::Status TakeLocked(std::span<const Update> updates);
  void OnEnded(const Delivery& delivery, DeliveryState state, const std::string& why, bool late);
  void Warn(const base::Status& status);
  std::function<bool(const std::string&)> Blocked() const;

  Options options_;
  mutable std::mutex mutex_;  // guards what follows; the senders' own locks are taken within it
  std::condition_variable wake_;
  bool stop_ = false;
  std::unique_ptr<DeliveryLog> log_;
  Planner planner_;
  std::vector<Message> planned_;      // that the log could not record yet
  std::vector<Delivery> deliveries_;  // of the same
  base::TimeNs pruned_ = 0;
  std::string warned_;                           // of last
  std::map<std::string, base::TimeNs> failing_;  // channels, as the log has them
  base::TimeNs began_ = 0;                       // set before the first thread is there
  std::map<std::string, std::unique_ptr<Sender>> senders_;
  std::thread thread_;
};

}  // namespace rankscope::notify
