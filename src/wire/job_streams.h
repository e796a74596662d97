#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "wire/ingest_service.h"

namespace rankscope::wire {

// A stream to an agent, as seen by who speaks to all of a job's. Any thread.
class OpenStream {
 public:
  virtual ~OpenStream() = default;
  virtual void Tell(const Command& command) = 0;
  // Lets the agent hear something where it would otherwise hear nothing and take the server for dead.
  virtual void SayAlive() = 0;
};

// The open streams by job, and what each job was last told. Any thread.
class JobStreams {
 public:
  // Calls `welcome`, then tells the stream what its job was last told: who was welcomed misses no command, and none
  // comes before the welcome.
  void Add(const std::string& job, const std::shared_ptr<OpenStream>& stream, const std::function<void()>& welcome);
  void Remove(const std::string& job, OpenStream* stream);
  // To how many streams it went.
  int Send(const std::string& job, const Command& command);
  int Count(const std::string& job);
  void SayAlive();

 private:
  struct Job {
    std::map<OpenStream*, std::weak_ptr<OpenStream>> streams;
    Command last;
  };
  std::mutex mutex_;
  std::map<std::string, Job> jobs_;
};

}  // namespace rankscope::wire
