#include "notify/transport.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>
#include <mutex>

namespace rankscope::notify {
namespace {

constexpr size_t kMostBodyBytes = 4096;

using Curl = std::unique_ptr<CURL, void (*)(CURL*)>;
using List = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

size_t OnBody(char* bytes, size_t size, size_t count, void* context) {
  auto* body = static_cast<std::string*>(context);
  body->append(bytes, std::min(size * count, kMostBodyBytes - std::min(kMostBodyBytes, body->size())));
  return size * count;
}

size_t OnUpload(char* buffer, size_t size, size_t count, void* context) {
  auto* rest = static_cast<std::string_view*>(context);
  size_t taken = rest->copy(buffer, size * count);
  rest->remove_prefix(taken);
  return taken;
}

int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(context)->load() ? 1 : 0;
}

List MakeList(const std::vector<std::string>& texts) {
  curl_slist* list = nullptr;
  for (const std::string& text : texts) list = curl_slist_append(list, text.c_str());
  return {list, curl_slist_free_all};
}

void SetHttp(CURL* curl, const Request& request, const List& headers) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "rankscope");
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
}

void SetMail(CURL* curl, const Channel::Mail& mail, const List& recipients, std::string_view* rest) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  if (mail.tls == Channel::Mail::Tls::kStartTls) curl_easy_setopt(curl, CURLOPT_USE_SSL, long{CURLUSESSL_ALL});
  if (!mail.username.empty()) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, mail.username.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, mail.password.Reveal().c_str());
  }
  std::string from = mail.from.substr(mail.from.find('<') + 1);  // of "Name <address>"; npos + 1 is 0
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.substr(0, from.find('>')).c_str());
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, OnUpload);
  curl_easy_setopt(curl, CURLOPT_READDATA, rest);
}

void SetCommon(CURL* curl, const Channel& channel, const Request& request, std::string* body,
               const std::atomic<bool>* stop) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(channel.timeout_ns / base::kNsPerMs));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
  if (!stop) return;
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, stop);
}

}  // namespace

Answer Send(const Channel& channel, const Request& request, const std::atomic<bool>* stop) {
  static std::once_flag initialized;  // it is not to happen in two threads at once
  std::call_once(initialized, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  Curl curl(curl_easy_init(), curl_easy_cleanup);
  List list = MakeList(request.recipients.empty() ? request.headers : request.recipients);
  std::string_view rest = request.body;
  Answer answer;
  SetCommon(curl.get(), channel, request, &answer.body, stop);
  if (request.recipients.empty()) {
    SetHttp(curl.get(), request, list);
  } else {
    SetMail(curl.get(), channel.mail, list, &rest);
  }
  CURLcode code = curl_easy_perform(curl.get());
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  curl_off_t retry_after = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RETRY_AFTER, &retry_after);
  if (retry_after > 0) answer.retry_after_s = retry_after;
  if (code == CURLE_OK) return answer;
  answer.error = curl_easy_strerror(code);
  if (request.recipients.empty()) answer.status = 0;  // a part of an answer is none
  return answer;
}

}  // namespace rankscope::notify
