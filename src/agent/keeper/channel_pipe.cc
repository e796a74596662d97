#include "agent/keeper/channel_pipe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace rankscope::agent {
namespace {

constexpr int kPipeBytes = 1 << 20;

}  // namespace

base::Result<ChannelPipe> MakeChannelPipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return base::Status::FromErrno("cannot make a pipe", errno);
  fcntl(fds[0], F_SETPIPE_SZ, kPipeBytes);
  fcntl(fds[0], F_SETFL, O_NONBLOCK);
  ChannelPipe made{base::UniqueFd(fds[0]), base::UniqueFd(fds[1])};
  auto both = base::OpenFile("/proc/self/fd/" + std::to_string(fds[1]), O_RDWR);
  if (both.ok()) made.write = *std::move(both);
  return made;
}

std::string InodeOf(int fd) {
  struct stat info {};
  fstat(fd, &info);
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

bool SendDescriptors(int socket, int first, int second) {
  int fds[2] = {first, second};
  char byte = 'P';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fds)] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fds);
  std::memcpy(CMSG_DATA(header), fds, sizeof fds);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

}  // namespace rankscope::agent
