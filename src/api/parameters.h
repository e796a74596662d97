#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "api/http_server.h"
#include "base/clock.h"
#include "base/status.h"

namespace rankscope::api {

// The parameters of a request: those of its URL and, of a POST, those of its body (a form, or one flat JSON object;
// another body is the parameter `query`). Each error names the parameter.
class Parameters {
 public:
  static base::Result<Parameters> Of(const Request& request);
  static Parameters OfUrl(const Request& request);  // those of its URL alone

  // kInvalid names one that is none of these (names with blanks between; `project` is known everywhere).
  base::Status CheckNames(std::string_view known) const;

  // Empty when absent.
  std::string Text(const std::string& name) const;
  base::Result<std::string> Needed(const std::string& name) const;
  // Empty when absent; else one of these, in whatever case.
  base::Result<std::string> OneOf(const std::string& name, std::initializer_list<const char*> known) const;
  base::Result<std::optional<int64_t>> Integer(const std::string& name) const;  // a whole number, 0 or more
  // RFC 3339, a duration before `now` (10m), or a number of s, ms, µs or ns since 1970, told by its size.
  base::Result<std::optional<base::TimeNs>> Time(const std::string& name, base::TimeNs now) const;
  base::Result<std::optional<int64_t>> Duration(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace rankscope::api
