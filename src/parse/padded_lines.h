#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::parse {

// Cuts a text that comes in pieces into lines, each with `padding` bytes to read behind it, as fast readers want them.
// Lines are taken where they lie in a piece; copied is only one that several pieces share, and what lies at the end of
// a piece. Thread-compatible.
class PaddedLines {
 public:
  using Take = std::function<base::Status(std::string_view line)>;

  explicit PaddedLines(size_t padding) : padding_(padding) {}

  // Gives `take` each line that ends in the piece, without its newline. Stops at the first error, which is returned:
  // nothing may be added after it.
  base::Status Add(std::string_view piece, const Take& take);
  // The last line, where no newline ends it.
  base::Status End(const Take& take);
  // Of the line whose end has not come yet.
  size_t unfinished_bytes() const { return rest_.size(); }

 private:
  base::Status AddToRest(std::string_view* piece, const Take& take);
  base::Status TakeRest(const Take& take);

  const size_t padding_;
  std::string rest_;  // of one line, without a newline
};

}  // namespace rankscope::parse
