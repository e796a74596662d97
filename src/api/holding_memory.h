#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace rankscope::api {

// Memory shared by the bodies that are held back until they are whole. Any thread.
class HoldingMemory : public std::enable_shared_from_this<HoldingMemory> {
 public:
  explicit HoldingMemory(size_t limit) : limit_(limit) {}

  // Taken until the last copy of what it returns is gone. Null: there is not so much left.
  std::shared_ptr<const void> Take(size_t bytes);

 private:
  const size_t limit_;
  std::atomic<size_t> taken_ = 0;
};

}  // namespace rankscope::api
