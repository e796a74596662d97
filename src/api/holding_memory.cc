#include "api/holding_memory.h"

namespace rankscope::api {

std::shared_ptr<const void> HoldingMemory::Take(size_t bytes) {
  // With what it takes itself, so that of two who ask at once no more than one gets the last of it.
  std::shared_ptr<const void> taken(this, [self = shared_from_this(), bytes](const void*) { self->taken_ -= bytes; });
  return taken_.fetch_add(bytes) + bytes <= limit_ ? taken : nullptr;
}

}  // namespace rankscope::api
