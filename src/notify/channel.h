#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "notify/config.h"
#include "notify/message.h"

namespace rankscope::notify {

// What goes over the network at one attempt. With recipients it is a mail (SMTP), else an HTTP POST.
struct Request {
  std::string url;
  std::vector<std::string> headers;
  std::string body;
  std::vector<std::string> recipients;
};

// What came back. status 0: nothing did, and `error` says why; else the status of HTTP, or of SMTP.
struct Answer {
  long status = 0;
  std::optional<int64_t> retry_after_s;
  std::string body;  // its beginning
  std::string error;
};

// Whether a message arrived, in words that hold no secret of the channel once Channel::Hide has seen them.
struct Verdict {
  enum class Outcome : uint8_t { kDelivered, kTryAgain, kRefused } outcome = Outcome::kTryAgain;
  std::string why;
};

// How a kind of channel wants to be told.
struct ChannelTraits {
  bool one_each = false;        // a message an incident, as its other end knows them by a key; no grouping, no repeats
  bool takes_states = false;    // not for people: the state of all incidents in one message, again and again
  bool starts_and_ends = true;  // wants to know that a job started or finished
};

// A kind of channel: pure functions, a file each. To add one, write its file and its line in channels.cc.
struct ChannelKind {
  std::string_view name;  // its key under a receiver
  ChannelTraits traits;
  // The bytes of the message: made once, kept, and sent at every attempt.
  std::string (*render)(const Config& config, const Channel& channel, const Message& message);
  // What makes a request of them at `now`: address, signature, timestamp.
  Request (*seal)(const Channel& channel, const std::string& delivery, const std::string& body, base::TimeNs now);
  Verdict (*judge)(const Answer& answer);
};

std::span<const ChannelKind> ChannelKinds();
const ChannelKind* FindChannelKind(std::string_view name);  // null: there is none

// Delivered 2xx; to be tried again 408, 429, 5xx and no answer at all; refused the others.
Verdict JudgeHttp(const Answer& answer);
// The same, and of a 2xx the body {"KEY": 0} or it is an error; one of `again` is worth another try, others are
// refused.
Verdict JudgeCode(const Answer& answer, const char* key, const char* text_key, std::span<const int64_t> again);

extern const ChannelKind kWebhook, kAlertmanager, kPagerDuty, kSlack, kDingTalk, kFeishu, kWeCom, kEmail;

}  // namespace rankscope::notify
