#include "model/regex.h"

#include <re2/re2.h>

namespace rankscope::model {
namespace {

constexpr int64_t kMemory = 8 << 20;

}  // namespace

base::Result<std::shared_ptr<const re2::RE2>> CompileRegex(const std::string& pattern, bool case_sensitive) {
  re2::RE2::Options options;
  options.set_max_mem(kMemory);
  options.set_log_errors(false);
  options.set_case_sensitive(case_sensitive);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  if (!regex->ok()) return base::Status::Invalid("regex \"" + pattern + "\": " + regex->error());
  return regex;
}

}  // namespace rankscope::model
