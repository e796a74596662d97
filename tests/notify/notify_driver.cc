// A program around a Notifier, for tests that need one process with real channels: it reads commands, an object a
// line, and answers each with a line.
//
// usage: notify_driver CONFIG LOG_FILE
//   {"take": [{…}, …]}  takes updates of these fields, or one; "taken" once they are on the disk
//   {"pass_s": 700}     moves the notifier's clock; "passed"
//   {"silence": {…}}    "silenced ID"
//   {"wait": true}      "idle", once everything that is due has been told
//   {"channels": true}  the state of all channels, in JSON
// At the end of the input it waits as for "wait". $RANKSCOPE_KILL_AT: kill_points.cc.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "notify/notifier.h"

namespace {

using rankscope::base::kNsPerSecond;
using rankscope::notify::Notifier;
using rankscope::notify::Update;

rankscope::notify::Kind KindOf(const std::string& name) {
  using rankscope::notify::Kind;
  for (Kind kind : {Kind::kFiring, Kind::kResolved, Kind::kSuperseded, Kind::kAcknowledged, Kind::kStarted,
                    Kind::kFinished, Kind::kFailed, Kind::kStalled}) {
    if (NameOf(kind) == name) return kind;
  }
  throw std::invalid_argument("no kind " + name);
}

rankscope::notify::Severity SeverityOf(const std::string& name) {
  using rankscope::notify::Severity;
  return name == "critical" ? Severity::kCritical : name == "warning" ? Severity::kWarning : Severity::kInfo;
}

Update UpdateOf(const nlohmann::json& json) {
  Update update;
  update.incident = json.at("incident");
  update.version = json.at("version");
  update.kind = KindOf(json.at("kind"));
  update.project = json.value("project", "default");
  update.job = json.value("job", "j-1");
  update.severity = SeverityOf(json.value("severity", "critical"));
  update.incident_class = json.value("class", "network");
  update.ranks = json.value("ranks", "");
  update.rank_count = json.value("rank_count", 0);
  update.world_size = json.value("world_size", 0);
  if (json.contains("step")) update.step = json["step"].get<int64_t>();
  update.started = json.value("started_s", int64_t{0}) * kNsPerSecond;
  update.ended = json.value("ended_s", int64_t{0}) * kNsPerSecond;
  update.title = json.value("title", "");
  update.text = json.value("text", std::vector<std::string>());
  update.evidence = json.value("evidence", "");
  if (json.contains("probability")) update.probability = json["probability"].get<double>();
  update.link = json.value("link", "");
  if (json.contains("by")) {
    update.acknowledgement.emplace();
    update.acknowledgement->by = json["by"];
  }
  return update;
}

std::string ChannelsOf(const Notifier& notifier) {
  nlohmann::json channels = nlohmann::json::object();
  for (const auto& status : notifier.Channels()) {
    channels[status.channel] = {{"waiting", status.waiting},
                                {"failing", status.failing_since != 0},
                                {"delivered", status.delivered != 0},
                                {"error", status.error}};
  }
  return channels.dump();
}

void WaitIdle(const Notifier& notifier) {
  while (!notifier.Idle()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string Obey(const nlohmann::json& command, Notifier* notifier, std::atomic<int64_t>* ahead_ns) {
  if (command.contains("take")) {
    const auto& given = command["take"];
    std::vector<Update> updates;
    for (const auto& json : given.is_array() ? given : nlohmann::json::array({given}))
      updates.push_back(UpdateOf(json));
    auto status = notifier->Take(updates);
    return status.ok() ? "taken" : status.message();
  }
  if (command.contains("pass_s")) {
    *ahead_ns += command["pass_s"].get<int64_t>() * kNsPerSecond;
    return "passed";
  }
  if (command.contains("silence")) {
    const auto& json = command["silence"];
    rankscope::notify::Silence silence;
    silence.matchers = json.at("matchers").get<std::vector<std::string>>();
    silence.ends = rankscope::base::WallNow() + json.value("for_s", int64_t{3600}) * kNsPerSecond;
    silence.by = json.value("by", "");
    silence.reason = json.value("reason", "");
    auto id = notifier->Silence(silence);
    return id.ok() ? "silenced " + *id : id.status().message();
  }
  if (command.contains("channels")) return ChannelsOf(*notifier);
  WaitIdle(*notifier);
  return "idle";
}

int Run(const char* config_path, const char* log_path) {
  auto config = rankscope::notify::ReadConfig(config_path);
  if (!config.ok()) return std::fprintf(stderr, "%s\n", config.status().message().c_str()), 2;
  std::atomic<int64_t> ahead_ns = 0;
  Notifier::Options options;
  options.path = log_path;
  options.config = *config;
  options.now = [&] { return rankscope::base::WallNow() + ahead_ns; };
  options.warn = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  auto notifier = Notifier::Start(std::move(options));
  if (!notifier.ok()) return std::fprintf(stderr, "%s\n", notifier.status().message().c_str()), 1;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Obey(nlohmann::json::parse(line), notifier->get(), &ahead_ns) << std::endl;
  }
  WaitIdle(**notifier);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::fputs("usage: notify_driver CONFIG LOG_FILE\n", stderr), 2;
  return Run(argv[1], argv[2]);
}
