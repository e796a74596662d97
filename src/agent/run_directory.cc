#include "agent/run_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/coding.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/json_text.h"

namespace rankscope::agent {
namespace {

std::string Home(const char* variable, const char* below_home) {
  // One that is relative would mean another folder to each command; the XDG specification says to ignore it.
  if (std::string set = base::EnvironmentVariable(variable); set.starts_with('/')) return set + "/rankscope";
  std::string home = base::EnvironmentVariable("HOME");
  return (home.empty() ? "/tmp" : home) + below_home + "/rankscope";
}

}  // namespace

std::string CurrentServer(const RunConfig& config) {
  if (config.data_dir.empty()) return config.server;
  auto text = base::ReadWholeFile(config.data_dir + "/server.json");
  if (!text.ok()) return config.server;
  auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json.value("http", config.server) : config.server;
}

void CompleteOrigin(const RunConfig& config, model::Origin* origin) {
  origin->project = config.project;
  origin->job = config.job;
  origin->host = config.host;
  if (!origin->node_rank) origin->node_rank = config.node_rank;
  origin->attempt += config.first_attempt;
}

std::string DoorFolder(const RunConfig& config) { return "/tmp/rankscope-" + config.run; }

base::Status WriteRunConfig(const std::string& directory, const RunConfig& config) {
  nlohmann::json json = {{"server", config.server},
                         {"data_dir", config.data_dir},
                         {"project", config.project},
                         {"token", config.token},
                         {"job_id", config.job},
                         {"host", config.host},
                         {"run", config.run},
                         {"member", config.member},
                         {"rings", config.rings},
                         {"first_attempt", config.first_attempt},
                         {"sample_interval_s", config.sample_interval_s},
                         {"spool_limit_bytes", config.spool_limit_bytes},
                         {"alerts", config.alerts}};
  if (config.node_rank) json["node_rank"] = *config.node_rank;
  return base::WriteFileAtomically(directory + "/run.json", base::JsonText(json));
}

base::Result<RunConfig> ReadRunConfig(const std::string& directory) {
  std::string path = directory + "/run.json";
  ASSIGN_OR_RETURN(std::string text, base::ReadWholeFile(path));
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return base::Status::Corrupt(path + " is not JSON");
  RunConfig config;
  config.server = json.value("server", "");
  config.data_dir = json.value("data_dir", "");
  config.project = json.value("project", "");
  config.token = json.value("token", "");
  config.job = json.value("job_id", "");
  config.host = json.value("host", "");
  config.run = json.value("run", "");
  config.member = json.value("member", "");
  config.rings = json.value("rings", "");
  config.first_attempt = json.value("first_attempt", 0);
  config.sample_interval_s = json.value("sample_interval_s", config.sample_interval_s);
  config.spool_limit_bytes = json.value("spool_limit_bytes", config.spool_limit_bytes);
  config.alerts = json.value("alerts", false);
  if (json.contains("node_rank")) config.node_rank = json.value("node_rank", 0);
  return config;
}

void WriteProgress(const std::string& directory, const Progress& progress) {
  auto fd = base::OpenFile(directory + "/status", O_WRONLY | O_CREAT);
  if (!fd.ok()) return;  // only a figure for the user's eye
  std::string bytes;
  base::PutFixed64(&bytes, progress.spooled);
  base::PutFixed64(&bytes, progress.acknowledged);
  base::PutFixed64(&bytes, progress.keeper_records);
  (void)!pwrite(fd->get(), bytes.data(), bytes.size(), 0);
}

Progress ReadProgress(const std::string& directory) {
  auto bytes = base::ReadWholeFile(directory + "/status");
  if (!bytes.ok()) return {};
  base::ByteReader in(*bytes);
  Progress progress;
  progress.spooled = in.Fixed64();
  progress.acknowledged = in.Fixed64();
  progress.keeper_records = in.Fixed64();
  return progress;
}

void WriteTrouble(const std::string& directory, const std::string& why) {
  const std::string path = directory + "/trouble";
  if (why.empty()) {
    unlink(path.c_str());
  } else {
    (void)base::WriteFileAtomically(path, why).ok();  // only for the user's eye
  }
}

std::string ReadTrouble(const std::string& directory) {
  auto why = base::ReadWholeFile(directory + "/trouble");
  return why.ok() ? *why : "";
}

std::string StateHome() { return Home("XDG_STATE_HOME", "/.local/state"); }
std::string DataHome() { return Home("XDG_DATA_HOME", "/.local/share"); }

}  // namespace rankscope::agent
