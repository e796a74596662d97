#include "endpoint_file.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "base/json_text.h"

namespace rankscope {
namespace {

std::string PathIn(const std::string& data_dir) { return data_dir + "/server.json"; }

// In ticks since boot, which with the pid is a process's identity; "" once it is gone. Field 22 of /proc/PID/stat, of
// which the second may hold anything up to the last ')'.
std::string StartOf(int pid) {
  auto stat = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/stat");
  if (!stat.ok()) return "";
  std::istringstream fields(stat->substr(stat->rfind(')') + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

}  // namespace

base::Status WriteEndpoint(const std::string& data_dir, const std::string& http, const std::string& grpc) {
  nlohmann::json endpoint = {{"http", http}, {"grpc", grpc}, {"pid", getpid()}, {"start", StartOf(getpid())}};
  return base::WriteFileAtomically(PathIn(data_dir), base::JsonText(endpoint));
}

void RemoveEndpoint(const std::string& data_dir) { unlink(PathIn(data_dir).c_str()); }

std::string LivingEndpoint(const std::string& data_dir) {
  auto text = base::ReadWholeFile(PathIn(data_dir));
  if (!text.ok()) return "";
  auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  auto is_known = [&](const char* name) { return json.is_object() && json.contains(name) && json[name].is_string(); };
  if (!is_known("http") || !is_known("start") || !json.contains("pid") || !json["pid"].is_number_integer()) return "";
  std::string start = StartOf(json["pid"].get<int>());
  return !start.empty() && start == json["start"].get<std::string>() ? json["http"].get<std::string>() : "";
}

}  // namespace rankscope
