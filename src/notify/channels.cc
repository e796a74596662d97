#include <algorithm>
#include <nlohmann/json.hpp>

#include "notify/channel.h"
#include "notify/text.h"

namespace rankscope::notify {
namespace {

constexpr size_t kShownBytes = 200;

std::string Shown(const Answer& answer) {
  std::string body = CutBytes(OneLine(answer.body), kShownBytes);
  return "HTTP " + std::to_string(answer.status) + (body.empty() ? "" : ": " + body);
}

}  // namespace

std::span<const ChannelKind> ChannelKinds() {
  static const ChannelKind kKinds[] = {kWebhook, kAlertmanager, kPagerDuty, kSlack, kDingTalk, kFeishu, kWeCom, kEmail};
  return kKinds;
}

const ChannelKind* FindChannelKind(std::string_view name) {
  auto kinds = ChannelKinds();
  auto found = std::find_if(kinds.begin(), kinds.end(), [&](const ChannelKind& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

Verdict JudgeHttp(const Answer& answer) {
  if (answer.status == 0) return {Verdict::Outcome::kTryAgain, answer.error};
  if (answer.status >= 200 && answer.status < 300) return {Verdict::Outcome::kDelivered, Shown(answer)};
  bool again = answer.status == 408 || answer.status == 429 || answer.status >= 500;
  return {again ? Verdict::Outcome::kTryAgain : Verdict::Outcome::kRefused, Shown(answer)};
}

Verdict JudgeCode(const Answer& answer, const char* key, const char* text_key, std::span<const int64_t> again) {
  Verdict verdict = JudgeHttp(answer);
  if (verdict.outcome != Verdict::Outcome::kDelivered) return verdict;
  auto body = nlohmann::json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || !body.contains(key) || !body[key].is_number_integer()) {
    return {Verdict::Outcome::kTryAgain, Shown(answer) + " (no " + key + " in it)"};
  }
  auto code = body[key].get<int64_t>();
  if (code == 0) return verdict;
  std::string text = body.contains(text_key) && body[text_key].is_string() ? body[text_key].get<std::string>() : "";
  std::string why = std::string(key) + " " + std::to_string(code) + ": " + CutBytes(OneLine(text), kShownBytes);
  bool later = std::find(again.begin(), again.end(), code) != again.end();
  return {later ? Verdict::Outcome::kTryAgain : Verdict::Outcome::kRefused, why};
}

}  // namespace rankscope::notify
