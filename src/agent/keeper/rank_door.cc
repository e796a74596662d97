#include "agent/keeper/rank_door.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

namespace rankscope::agent {
namespace {

constexpr size_t kMaxGreeting = 16384;
constexpr int kBacklog = 512;
constexpr char kSocket[] = "/keeper";

RankGreeting ReadGreeting(const nlohmann::json& said, pid_t pid) {
  auto number = [&](const char* name) -> std::optional<int32_t> {
    if (!said.contains(name) || !said[name].is_number_integer()) return std::nullopt;
    return said[name].get<int32_t>();
  };
  RankGreeting greeting;
  greeting.pid = pid;
  greeting.origin.rank = number("rank");
  greeting.origin.local_rank = number("local_rank");
  greeting.origin.node_rank = number("node_rank");
  greeting.origin.attempt = number("attempt").value_or(0);
  if (auto size = number("world_size")) greeting.about.emplace_back("world_size", int64_t{*size});
  for (const char* name : {"gpu", "python", "source"}) {
    if (said.contains(name) && said[name].is_string()) greeting.about.emplace_back(name, said[name].get<std::string>());
  }
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    const auto files = said.value("files", nlohmann::json::array());
    if (std::find(files.begin(), files.end(), nlohmann::json(fd)) != files.end()) greeting.files.push_back(fd);
  }
  if (said.contains("error_file") && said["error_file"].is_string()) greeting.error_file = said["error_file"];
  return greeting;
}

}  // namespace

RankDoor::~RankDoor() = default;

base::Status RankDoor::Open(const std::string& folder) {
  listener_ = base::UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (mkdir(folder.c_str(), 0700) != 0) return base::Status::FromErrno("cannot make the folder " + folder, errno);
  folder_ = folder;
  path_ = folder_ + kSocket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
  if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), kBacklog) != 0) {
    return base::Status::FromErrno("cannot listen on " + path_, errno);
  }
  return {};
}

void RankDoor::Answer(EventLoop* loop, OnRank on_rank) {
  loop_ = loop;
  on_rank_ = std::move(on_rank);
  AnswerAnew();
}

void RankDoor::AnswerAnew() {
  connections_.clear();
  loop_->Watch(listener_.get(), [this] { OnConnection(); });
}

void RankDoor::Remove() {
  if (!folder_.empty()) RemoveFolder(folder_);
}

void RankDoor::RemoveFolder(const std::string& folder) {
  unlink((folder + kSocket).c_str());
  rmdir(folder.c_str());
}

void RankDoor::OnConnection() {
  base::UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) return;
  int raw = connection.get();
  connections_[raw] = std::move(connection);
  loop_->Watch(raw, [this, raw] { OnGreeting(raw); });
}

void RankDoor::OnGreeting(int fd) {
  char text[kMaxGreeting];
  ssize_t got = recv(fd, text, sizeof text, 0);
  ucred peer{};
  socklen_t size = sizeof peer;
  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
  loop_->Forget(fd);
  base::UniqueFd connection = std::move(connections_[fd]);
  connections_.erase(fd);
  auto said = got > 0 ? nlohmann::json::parse(std::string_view(text, static_cast<size_t>(got)), nullptr, false)
                      : nlohmann::json();
  if (said.is_object() && peer.pid > 0) on_rank_(ReadGreeting(said, peer.pid), connection.get());
}

}  // namespace rankscope::agent
