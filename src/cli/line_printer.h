#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/line_folder.h"

namespace rankscope::cli {

// Renders records (their JSON form) for people: "[node/rank] L text". On a terminal the prefix is coloured by rank,
// never red (red is for errors), text keeps its colours; when piped, a level letter stands for them. Control
// sequences of the text other than SGR colours, as a progress bar's moves, are left out; other control characters are
// shown, not obeyed.
class LinePrinter {
 public:
  struct Options {
    bool color = false;
    std::vector<std::string> highlights;  // literal words shown inverse (with colour)
    bool show_time = false;
  };
  explicit LinePrinter(Options options) : options_(std::move(options)) {}

  // The text to print, with its newlines. A line that is no record's JSON is returned as it is. Of a folded line the
  // prefix names all who said it: "[0-1/0-6,8 ×8]".
  std::string Render(const FoldedLine& line) const;
  std::string Render(std::string_view json) const { return Render({std::string(json), {}, {}}); }

 private:
  const Options options_;
};

}  // namespace rankscope::cli
