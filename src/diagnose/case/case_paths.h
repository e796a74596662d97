#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "parse/log_folder.h"

namespace rankscope::diagnose {

// Of an error file or a dump, which are read whole.
constexpr uint64_t kMostObjectBytes = 64 << 20;

enum class CaseFormat : uint8_t { kText, kErrorFile, kFlightDump };

// Device and number: the same for all names of a file.
using FileId = std::pair<uint64_t, uint64_t>;

// A file of a case, before it is read.
struct CasePath {
  parse::LogFile log;
  std::string source;                    // what is opened
  std::shared_ptr<base::UniqueFd> copy;  // of a pipe: what `source` names
  CaseFormat format = CaseFormat::kText;
  std::string encoding;  // for base::Decoder, of its first bytes
  uint64_t bytes = 0;    // as they are on disk
  base::TimeNs written = 0;
  FileId id;
  bool named = false;  // by the caller, not found in a folder
};

// The files under the paths that a diagnosis reads: logs, whatever they are called as long as they look like it, error
// files of torchelastic, dumps of the flight recorder; each once, by path; and pipes that are named, "-" the standard
// input. Others are told in `skipped` as "PATH (why)". kNotFound: no such path; kInvalid: one that is named by itself
// is no text.
base::Result<std::vector<CasePath>> FindCaseFiles(const std::vector<std::string>& paths,
                                                  std::vector<std::string>* skipped);

}  // namespace rankscope::diagnose
