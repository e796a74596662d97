#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace rankscope::notify {

std::string HmacSha256(std::string_view key, std::string_view message);  // 32 bytes
std::string Hex(std::string_view bytes);
std::string Base64(std::string_view bytes);

// The value of X-Rankscope-Signature, "t=<unix s>,v1=<hex>": HMAC-SHA256 of "<unix s>.<body>" under the secret. With a
// second secret, which is to replace the first, there is a second v1.
std::string WebhookSignature(std::string_view secret, std::string_view next_secret, std::string_view body,
                             base::TimeNs now);
// Base64 of the HMAC under the secret, of "<ms>\n<secret>".
std::string DingTalkSignature(std::string_view secret, int64_t unix_ms);
// Base64 of the HMAC of nothing, under "<s>\n<secret>".
std::string FeishuSignature(std::string_view secret, int64_t unix_s);

}  // namespace rankscope::notify
