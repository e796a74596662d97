#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::base {

// Undoes the encoding of a stream, piece by piece, in bounded memory. One thread at a time.
class Decoder {
 public:
  using Take = std::function<Status(std::string_view)>;

  // "", "identity", "gzip", "zstd", or "utf-16le" and "utf-16be", which become UTF-8 without the mark that they begin
  // with; kInvalid names another.
  static Result<std::unique_ptr<Decoder>> Make(std::string_view encoding);
  virtual ~Decoder() = default;

  // Calls `take` with what the piece gives; stops at its first error. kInvalid: the bytes are not of that encoding.
  virtual Status Decode(std::string_view bytes, const Take& take) = 0;
  // kInvalid when the stream ended in the middle of the encoding.
  virtual Status End() const = 0;
};

}  // namespace rankscope::base
