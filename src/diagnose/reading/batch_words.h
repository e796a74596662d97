#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankscope::diagnose {

// What a loop prints of a batch: "input_ids shape torch.Size([4, 9000])", "sample idx=48213 seq_len=131072".
struct PrintedSize {
  enum class Kind : uint8_t { kShape, kLengths, kTotal, kSamples };
  Kind kind = Kind::kShape;
  std::string label;            // the words before it, three at most
  std::string shown;            // as printed: "[4, 9000]", "12000x9000", "131072"
  std::vector<double> numbers;  // of `shown`

  // Elements of the shape, the longest of the lengths, or the number.
  double amount() const;
};

struct BatchWords {
  std::vector<PrintedSize> sizes;
  std::string_view id_label;  // "samples" or "rows" of the data set
  std::vector<std::string> ids;
};

// Numbers that nothing says are a batch's are left out. Linear.
BatchWords ReadBatchWords(std::string_view text);

}  // namespace rankscope::diagnose
