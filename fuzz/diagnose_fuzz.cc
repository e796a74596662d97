// A log from its bytes to the verdict and its page: whatever it is, there is a verdict that the product knows, its root
// is a line of the log, and neither form of it fails.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "diagnose/signatures/signature_set.h"
#include "diagnose/verdict/failure_class.h"
#include "diagnose/verdict/verdict.h"
#include "diagnose/verdict/verdict_json.h"
#include "diagnose/verdict/verdict_page.h"

using namespace rankscope::diagnose;  // NOLINT(google-build-using-namespace)

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("diagnose_fuzz." + std::to_string(getpid()) + ".log")).string();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  auto read = ReadCase({path}, TellingLines());
  if (!read.ok()) return 0;
  Verdict verdict = Diagnose(*read);
  if (!FindFailureClass(verdict.failure) || verdict.healthy != (verdict.failure == "none")) std::abort();
  if (!verdict.healthy && (!verdict.root || *verdict.root >= read->lines.size())) std::abort();
  if (ToJson(verdict).empty() || ToText(verdict, true).empty() || ToHtml(verdict).empty()) std::abort();
  return 0;
}
