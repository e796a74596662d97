#include "notify/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdio>

namespace rankscope::notify {

std::string HmacSha256(std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
       message.size(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (char byte : bytes) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
    text += hex;
  }
  return text;
}

std::string Base64(std::string_view bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                             reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  return text;
}

std::string WebhookSignature(std::string_view secret, std::string_view next_secret, std::string_view body,
                             base::TimeNs now) {
  std::string time = std::to_string(now / base::kNsPerSecond);
  std::string signed_text = time + "." + std::string(body);
  std::string header = "t=" + time + ",v1=" + Hex(HmacSha256(secret, signed_text));
  if (!next_secret.empty()) header += ",v1=" + Hex(HmacSha256(next_secret, signed_text));
  return header;
}

std::string DingTalkSignature(std::string_view secret, int64_t unix_ms) {
  return Base64(HmacSha256(secret, std::to_string(unix_ms) + "\n" + std::string(secret)));
}

std::string FeishuSignature(std::string_view secret, int64_t unix_s) {
  return Base64(HmacSha256(std::to_string(unix_s) + "\n" + std::string(secret), ""));
}

}  // namespace rankscope::notify
