#pragma once

#include <sys/stat.h>

#include <map>
#include <mutex>
#include <string>

#include "access/role.h"
#include "access/token.h"

namespace rankscope::access {

// "May P do A on T." The server's one place where a request or a stream is admitted to a project. Any thread.
class Gate {
 public:
  enum class Openness {
    kLoopback,  // who brings no token may do everything: only processes of this machine can ask
    kTokens,    // nothing without a token
  };
  Gate(std::string token_file, Openness openness) : file_(std::move(token_file)), openness_(openness) {}

  struct Verdict {
    enum Kind { kAdmitted, kUnknown, kForbidden } kind;
    std::string project;  // kAdmitted: where the caller is
    std::string message;  // else: why not; never repeats the token
  };
  // `project` "" means the token's, without a token "default". A token counts from its creation until its revocation,
  // whatever was open meanwhile: the file is looked at again at each call when it has changed.
  Verdict Admit(const std::string& token, const std::string& project, Action action);

 private:
  base::Status Refresh();
  Verdict AdmitHolder(const Token& token, const std::string& project, Action action) const;

  const std::string file_;
  const Openness openness_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Token> tokens_;
  struct stat seen_ {};
};

}  // namespace rankscope::access
