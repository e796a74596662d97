#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace rankscope::diagnose {

// Whose part of a file it is, where headings part it: what Composer's launcher shows of each rank, the files that
// `tail` or `head` was given, and the processes that py-spy has dumped one after the other, by their command lines.
class SectionRank {
 public:
  // The rank of the section that the line stands in; lines of a file come in their order.
  std::optional<int32_t> Take(uint32_t file, std::string_view line);

 private:
  std::map<uint32_t, std::optional<int32_t>> of_file_;
};

}  // namespace rankscope::diagnose
