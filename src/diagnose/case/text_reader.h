#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "diagnose/case/case_paths.h"
#include "diagnose/case/file_lines.h"

namespace rankscope::diagnose {

// What reading one file gave. Lines that came before an error are kept.
struct TextFile {
  FileLines kept;
  base::Status status;
};

// Reads the lines of text files, on the caller's and one more thread: large files in chunks, compressed ones whole.
// All lines are kept where the files are small together; else those that detect::PatternSet and ThinChoices choose.
// Memory: some MiB a thread, and what is kept.
std::vector<TextFile> ReadTexts(const std::vector<CasePath>& files, const detect::PatternSet& telling);

}  // namespace rankscope::diagnose
