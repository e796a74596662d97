#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace rankscope::notify {

// A text that must reach no log, no error and no answer: nothing prints it by accident.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  // From the file's content, without the newline at its end. The error names the file, never what is in it.
  static base::Result<Secret> FromFile(const std::string& path);
  // From the variable of the environment. kInvalid: it is not set, or empty.
  static base::Result<Secret> FromEnvironment(const std::string& name);

  bool empty() const { return value_.empty(); }
  const std::string& Reveal() const { return value_; }

  // The text with every occurrence of the secret, and of what follows the host where it is a URL, as "***".
  std::string Hide(std::string text) const;

 private:
  std::string value_;
};

}  // namespace rankscope::notify
