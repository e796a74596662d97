#include "cli/http_client.h"

#include <curl/curl.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/environment.h"
#include "base/url.h"

namespace rankscope::cli {
namespace {

struct Download {
  CURL* curl;
  const std::function<bool(std::string_view)>& take;
  const std::function<bool()>& idle;
  std::string rest;
  bool stopped = false;
};

size_t OnBytes(char* bytes, size_t size, size_t count, void* context) {
  auto* download = static_cast<Download*>(context);
  download->rest.append(bytes, size * count);
  long status = 0;
  curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return size * count;  // the error's body, whole
  size_t begin = 0;
  for (size_t end; (end = download->rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string_view line = std::string_view(download->rest).substr(begin, end - begin);
    if (!line.empty() && !download->take(line)) {
      download->stopped = true;
      return 0;
    }
  }
  download->rest.erase(0, begin);
  return size * count;
}

int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto* download = static_cast<Download*>(context);
  download->stopped = download->stopped || !download->idle();
  return download->stopped ? 1 : 0;
}

std::string NotOurs(const std::string& address, const std::string& why) {
  return address + " is not the HTTP address of a Rankscope server: " + why;
}

base::Status FromAnswer(const std::string& address, long status, const std::string& body) {
  auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  bool says_why = json.is_object() && json.contains("error") && json["error"].is_string();
  std::string message =
      says_why ? json["error"].get<std::string>() : NotOurs(address, "it answers HTTP " + std::to_string(status));
  if (status == 404) return base::Status::NotFound(message);
  if (status == 503) return base::Status::Unavailable(message);
  // Not for what is asked: for whoever asks, or for what it is asked of.
  const bool refuses = status == 401 || status == 403 || status == 409;
  return status < 500 && !refuses ? base::Status::Invalid(message) : base::Status::Internal(message);
}

std::string UrlOf(const std::string& address, const std::string& path) {
  std::string project = base::EnvironmentVariable("RANKSCOPE_PROJECT");
  std::string url = "http://" + address + path;
  if (!project.empty())
    url += (path.find('?') == std::string::npos ? "?project=" : "&project=") + base::UrlEncode(project);
  return url;
}

using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

Headers Authorization() {
  std::string token = base::EnvironmentVariable("RANKSCOPE_TOKEN");
  curl_slist* header = token.empty() ? nullptr : curl_slist_append(nullptr, ("Authorization: Bearer " + token).c_str());
  return {header, curl_slist_free_all};
}

// `body`: of a POST, else null. `timeout_ms` 0: none.
base::Status Request(const char* method, const std::string& address, const std::string& path, const std::string* body,
                     const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle,
                     long timeout_ms = 0) {
  std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
  Download download{curl.get(), take, idle, {}};
  std::string url = UrlOf(address, path);
  Headers headers = Authorization();
  if (headers) curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, timeout_ms);
  // A tail may be silent for long: a host that is gone without a word is noticed all the same.
  curl_easy_setopt(curl.get(), CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TCP_KEEPIDLE, 20L);
  curl_easy_setopt(curl.get(), CURLOPT_TCP_KEEPINTVL, 5L);
  if (body) curl_easy_setopt(curl.get(), CURLOPT_COPYPOSTFIELDS, body->c_str());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, OnBytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &download);
  if (idle) {
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, OnProgress);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &download);
  }
  CURLcode code = curl_easy_perform(curl.get());
  if (download.stopped) return {};
  if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY) {
    return base::Status::Unavailable(
        NotOurs(address, "what answers there speaks another protocol (is it the gRPC port?)"));
  }
  if (code != CURLE_OK) {
    return base::Status::Unavailable("no answer from the server at " + address + ": " + curl_easy_strerror(code) +
                                     " (start one with `rankscope serve`, or name it with --server)");
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) return FromAnswer(address, status, download.rest);
  if (!download.rest.empty()) take(download.rest);
  return {};
}

}  // namespace

base::Status GetLines(const std::string& address, const std::string& path,
                      const std::function<bool(std::string_view)>& take, const std::function<bool()>& idle) {
  return Request("GET", address, path, nullptr, take, idle);
}

base::Status PostLines(const std::string& address, const std::string& path, const std::string& body,
                       const std::function<bool(std::string_view)>& take, long timeout_ms) {
  return Request("POST", address, path, &body, take, {}, timeout_ms);
}

base::Status DeleteLines(const std::string& address, const std::string& path,
                         const std::function<bool(std::string_view)>& take) {
  return Request("DELETE", address, path, nullptr, take, {});
}

}  // namespace rankscope::cli
