#include "notify/secret.h"

#include <vector>

#include "base/environment.h"
#include "base/file.h"

namespace rankscope::notify {
namespace {

void HideEach(std::string_view part, std::string* text) {
  constexpr size_t kShortest = 4;  // shorter ones are words that stand in any text
  if (part.size() < kShortest) return;
  for (size_t at = 0; (at = text->find(part, at)) != std::string::npos;) text->replace(at, part.size(), "***");
}

// Of a URL what lies behind the host, and the values of its parameters, as a server may repeat them alone.
std::vector<std::string_view> PartsOf(std::string_view value) {
  std::vector<std::string_view> parts = {value};
  size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return parts;
  std::string_view rest = value.substr(scheme + 3);
  if (size_t user = rest.find('@'); user != std::string_view::npos && user < rest.find('/')) {
    parts.push_back(rest.substr(0, user));
  }
  size_t path = rest.find_first_of("/?");
  if (path == std::string_view::npos) return parts;
  parts.push_back(rest.substr(path));
  for (size_t at = rest.find('=', path); at != std::string_view::npos; at = rest.find('=', at + 1)) {
    parts.push_back(rest.substr(at + 1, rest.find('&', at) - at - 1));
  }
  if (size_t last = rest.rfind('/'); last != std::string_view::npos) {
    parts.push_back(rest.substr(last + 1, rest.find('?', last) - last - 1));
  }
  return parts;
}

}  // namespace

base::Result<Secret> Secret::FromFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string value, base::ReadWholeFile(path));
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  if (value.empty()) return base::Status::Invalid(path + " is empty");
  return Secret(std::move(value));
}

base::Result<Secret> Secret::FromEnvironment(const std::string& name) {
  std::string value = base::EnvironmentVariable(name.c_str());
  if (value.empty()) return base::Status::Invalid("the variable " + name + " is not set");
  return Secret(std::move(value));
}

std::string Secret::Hide(std::string text) const {
  for (std::string_view part : PartsOf(value_)) HideEach(part, &text);
  return text;
}

}  // namespace rankscope::notify
