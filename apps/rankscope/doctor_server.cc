#include <netdb.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>

#include "agent/run_directory.h"
#include "agent/ship/server_address.h"
#include "base/clock.h"
#include "base/environment.h"
#include "base/file.h"
#include "cli/http_client.h"
#include "doctor_checks.h"

namespace rankscope::doctor {
namespace {

constexpr time_t kConnectSeconds = 5;
constexpr int64_t kClockWarning = base::kNsPerSecond;

// Whether something listens there.
bool Connects(const std::string& address) {
  size_t colon = address.rfind(':');
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(address.substr(0, colon).c_str(), address.substr(colon + 1).c_str(), &hints, &found) != 0) {
    return false;
  }
  base::UniqueFd fd(socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval patience{kConnectSeconds, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);  // connect's, too
  bool connected = connect(fd.get(), found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  return connected;
}

Check CheckClock(const agent::ServerAnswer& server) {
  double ms = static_cast<double>(server.clock_ahead_ns) / static_cast<double>(base::kNsPerMs);
  std::string text = "the server's clock is " + Fixed(std::abs(ms)) + " ms " + (ms < 0 ? "behind" : "ahead of") +
                     " ours (round trip " +
                     Fixed(static_cast<double>(server.round_trip_ns) / static_cast<double>(base::kNsPerMs)) + " ms)";
  if (std::abs(server.clock_ahead_ns) - server.round_trip_ns / 2 < kClockWarning) return {"clock", "ok", text};
  return {"clock", "warning", text + ": times are corrected by it; let NTP or chrony set both clocks"};
}

// Sends no record, as an agent would send some.
base::Status TryToSend(const std::string& address) {
  return cli::PostLines(address, "/api/v1/ingest/jsonline?job_id=doctor", "", [](std::string_view) { return true; });
}

base::Status TryToRead(const std::string& address) {
  return cli::GetLines(address, "/api/v1/jobs", [](std::string_view) { return false; });
}

// A writer's token need not read, nor a viewer's send: only one that does neither is of no use.
Check CheckToken(const std::string& address) {
  bool set = !base::EnvironmentVariable("RANKSCOPE_TOKEN").empty();
  base::Status sends = TryToSend(address), reads = TryToRead(address);
  if (sends.ok() && reads.ok()) return {"token", "ok", set ? "sends and reads" : "none set, and none is asked for"};
  if (sends.ok()) return {"token", "ok", "sends, and does not read: " + reads.message()};
  if (reads.ok()) return {"token", "ok", "reads, and does not send: " + sends.message()};
  return {"token", "error", sends.message()};
}

}  // namespace

void CheckServer(const std::string& address, std::vector<Check>* checks) {
  if (address.empty()) {
    checks->push_back({"server", "ok", "none named: `rankscope run` keeps its data in " + agent::DataHome()});
    return;
  }
  auto answer = agent::AskServer(address);
  if (!answer.ok()) {
    checks->push_back(
        {"server", "error", answer.status().message() + "; start it with `rankscope serve --http " + address + "`"});
    return;
  }
  bool reached = Connects(answer->grpc);
  checks->push_back({"server", reached ? "ok" : "error",
                     address + " answers (version " + answer->version + "), its gRPC address " + answer->grpc +
                         (reached ? " too" : " does not: open that port to this node, the agents send to it")});
  checks->push_back(CheckClock(*answer));
  checks->push_back(CheckToken(address));
}

std::string Fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

}  // namespace rankscope::doctor
