#include "store/job_folder.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "base/coding.h"

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

constexpr size_t kMaxName = 255;              // bytes of a file's name, as file systems have it
constexpr size_t kKeptOfLong = 120;           // for people
constexpr std::string_view kHashMark = "%~";  // no escape begins so

// A name that is too long as its beginning and a hash of the job.
std::string ShortName(std::string_view safe, std::string_view job) {
  safe = safe.substr(0, kKeptOfLong);
  if (size_t escape = safe.rfind('%'); escape != std::string_view::npos && escape + 3 > safe.size()) {
    safe = safe.substr(0, escape);
  }
  char hash[33];
  std::snprintf(hash, sizeof hash, "%016llx%016llx", static_cast<unsigned long long>(base::Checksum(job, 0)),
                static_cast<unsigned long long>(base::Checksum(job, 1)));
  return std::string(safe) + std::string(kHashMark) + hash;
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

std::string FolderOfJob(std::string_view job) {
  std::string name = SafeName(job);
  return "jobs/" + (name.size() > kMaxName ? ShortName(name, job) : name);
}

std::optional<std::string> JobOfFile(std::string_view name) {
  std::string_view folder = name.substr(0, name.rfind('/'));
  folder = folder.substr(folder.rfind('/') + 1);
  if (folder.find(kHashMark) != std::string_view::npos) return std::nullopt;
  return UnsafeName(folder);
}

}  // namespace rankscope::store
