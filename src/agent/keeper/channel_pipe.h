#pragma once

#include <string>

#include "base/file.h"
#include "base/status.h"

namespace rankscope::agent {

// A pipe for a rank's stdout or stderr: 1 MiB, its read end non-blocking. The write end is open for reading, too: who
// holds it is a reader of the pipe, and so never gets SIGPIPE, whoever of us dies.
struct ChannelPipe {
  base::UniqueFd read, write;
};
base::Result<ChannelPipe> MakeChannelPipe();

// "DEVICE:INODE": by which a process recognises that a descriptor of its is still this pipe.
std::string InodeOf(int fd);

// Hands two descriptors over a unix socket, beside one byte. False: the other side has gone.
bool SendDescriptors(int socket, int first, int second);

}  // namespace rankscope::agent
