#include "wire/job_streams.h"

namespace rankscope::wire {

void JobStreams::Add(const std::string& job, const std::shared_ptr<OpenStream>& stream,
                     const std::function<void()>& welcome) {
  std::lock_guard lock(mutex_);
  welcome();
  Job& entry = jobs_[job];
  entry.streams[stream.get()] = stream;
  if (entry.last.log_interval_steps > 0) stream->Tell(entry.last);
}

void JobStreams::Remove(const std::string& job, OpenStream* stream) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return;
  found->second.streams.erase(stream);
  if (found->second.streams.empty() && found->second.last.log_interval_steps == 0) jobs_.erase(found);
}

int JobStreams::Send(const std::string& job, const Command& command) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(job);
  if (found == jobs_.end()) return 0;
  if (command.log_interval_steps > 0) found->second.last.log_interval_steps = command.log_interval_steps;
  int sent = 0;
  for (auto& [raw, weak] : found->second.streams) {
    if (auto stream = weak.lock()) {
      stream->Tell(command);
      ++sent;
    }
  }
  return sent;
}

int JobStreams::Count(const std::string& job) {
  std::lock_guard lock(mutex_);
  auto found = jobs_.find(job);
  return found == jobs_.end() ? 0 : static_cast<int>(found->second.streams.size());
}

void JobStreams::SayAlive() {
  std::lock_guard lock(mutex_);
  for (auto& [job, entry] : jobs_) {
    for (auto& [raw, weak] : entry.streams) {
      if (auto stream = weak.lock()) stream->SayAlive();
    }
  }
}

}  // namespace rankscope::wire
