#include "agent/ship/server_address.h"

#include <curl/curl.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace rankscope::agent {
namespace {

constexpr long kConnectMs = 5000, kAnswerMs = 10'000;  // a machine with more to do than cores is slow to answer

size_t Collect(char* bytes, size_t size, size_t count, void* out) {
  static_cast<std::string*>(out)->append(bytes, size * count);
  return size * count;
}

std::string HostOf(const std::string& address) { return address.substr(0, address.rfind(':')); }

bool SaysNothing(const std::string& host) {
  return host == "0.0.0.0" || host == "[::]" || host.starts_with("127.") || host == "[::1]" || host == "localhost" ||
         host.empty();
}

}  // namespace

base::Result<ServerAnswer> AskServer(const std::string& http) {
  std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  std::string body;
  std::string url = "http://" + http + "/api/v1/server";
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kAnswerMs);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  base::TimeNs asked = base::WallNow();
  if (CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK) {
    return base::Status::Unavailable("no server at " + http + ": " + curl_easy_strerror(code));
  }
  base::TimeNs answered = base::WallNow();
  auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  std::string grpc = json.is_object() ? json.value("grpc", "") : "";
  size_t colon = grpc.rfind(':');
  if (colon == std::string::npos) return base::Status::Unavailable(http + " is not a Rankscope server");
  ServerAnswer answer;
  answer.version = json.value("version", "");
  answer.grpc = SaysNothing(HostOf(grpc)) ? HostOf(http) + grpc.substr(colon) : grpc;
  answer.round_trip_ns = answered - asked;
  answer.clock_ahead_ns = json.value("time_ns", answered) - (asked + answer.round_trip_ns / 2);
  return answer;
}

base::Result<std::string> FindGrpcAddress(const std::string& http) {
  ASSIGN_OR_RETURN(ServerAnswer answer, AskServer(http));
  return answer.grpc;
}

}  // namespace rankscope::agent
