#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/keeper/event_loop.h"
#include "base/file.h"
#include "base/status.h"
#include "model/record.h"

namespace rankscope::agent {

// A process that says it is a rank: its bootstrap's one line of JSON at the keeper's socket.
struct RankGreeting {
  pid_t pid = 0;  // as the kernel says, not the greeting
  model::Origin origin;
  model::Fields about;     // world_size, gpu, python, source: what its start event keeps
  std::string error_file;  // where torchelastic's @record puts an uncaught exception; empty: none
  std::vector<int> files;  // of its descriptors 1 and 2 those that are files of its own, to be read
};

// The unix socket, in a folder of its own, where ranks ask for their pipes. One thread.
class RankDoor {
 public:
  // Called for each rank that greets, with the connection on which it waits for the write ends of its two pipes.
  using OnRank = std::function<void(const RankGreeting&, int connection)>;

  ~RankDoor();
  // Makes the folder and listens in it.
  base::Status Open(const std::string& folder);
  // Begins to answer on the loop. REQUIRES Open, and that the loop outlives this.
  void Answer(EventLoop* loop, OnRank on_rank);
  // Goes on in a forked child, on the same loop renewed. May be called by on_rank.
  void AnswerAnew();
  // Removes what Open has made.
  void Remove();
  // Removes what is left of a keeper's that was killed.
  static void RemoveFolder(const std::string& folder);
  const std::string& path() const { return path_; }

 private:
  void OnConnection();
  void OnGreeting(int fd);

  EventLoop* loop_ = nullptr;
  OnRank on_rank_;
  base::UniqueFd listener_;
  std::string folder_, path_;
  std::map<int, base::UniqueFd> connections_;
};

}  // namespace rankscope::agent
