#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace rankscope::api {

// Undoes the Content-Encoding of a body, piece by piece, in bounded memory. One thread at a time.
class BodyDecoder {
 public:
  using Take = std::function<base::Status(std::string_view)>;

  // "", "identity", "gzip" or "zstd"; kInvalid names another.
  static base::Result<std::unique_ptr<BodyDecoder>> Make(std::string_view encoding);
  virtual ~BodyDecoder() = default;

  // Calls `take` with what the piece gives; stops at its first error. kInvalid: the bytes are not of that encoding.
  virtual base::Status Decode(std::string_view bytes, const Take& take) = 0;
  // kInvalid when the body ended in the middle of the encoding.
  virtual base::Status End() const = 0;
};

}  // namespace rankscope::api
