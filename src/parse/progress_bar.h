#pragma once

#include <cstddef>
#include <string_view>

namespace rankscope::parse {

// Whether a tqdm bar stands in the line: "12%|█▏ | 12/100 [00:01<00:09, 9.7it/s, loss=2.1]".
bool HasProgressBar(std::string_view line);

// Where the first bar of the line ends, with its rate; 0: there is none.
size_t EndOfBar(std::string_view line);

// Where text begins that was written behind a bar which had not ended its line; 0: there is none.
size_t TextAfterBar(std::string_view line);

}  // namespace rankscope::parse
