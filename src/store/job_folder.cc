#include "store/job_folder.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace rankscope::store {
namespace {

// Letters, digits, '-', '_' and '.' (but a leading one) stay, the rest becomes %XX.
std::string SafeName(std::string_view name) {
  std::string out;
  for (char c : name) {
    auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '_' || (c == '.' && !out.empty())) {
      out.push_back(c);
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", byte);
      out += escaped;
    }
  }
  return out.empty() ? "%" : out;
}

std::string UnsafeName(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '%') {
      out.push_back(name[i]);
    } else if (i + 2 < name.size()) {
      out.push_back(static_cast<char>(std::strtoul(std::string(name.substr(i + 1, 2)).c_str(), nullptr, 16)));
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string FolderOfJob(std::string_view job) { return "jobs/" + SafeName(job); }

std::string JobOfFile(std::string_view name) {
  std::string_view folder = name.substr(0, name.rfind('/'));
  return UnsafeName(folder.substr(folder.rfind('/') + 1));
}

}  // namespace rankscope::store
