#include "access/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/random.h>

#include <array>
#include <cstdio>

#include "base/coding.h"

namespace rankscope::access {
namespace {

constexpr std::string_view kPrefix = "rankscope_";
constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr size_t kIdLength = 8, kSecretLength = 43, kChecksumLength = 8;

// Bytes past the alphabet's largest multiple are thrown away: each character is equally likely.
std::string RandomText(size_t length) {
  constexpr unsigned kLimit = 256 / kAlphabet.size() * kAlphabet.size();
  std::string text;
  while (text.size() < length) {
    unsigned char byte = 0;
    if (getrandom(&byte, 1, 0) == 1 && byte < kLimit) text.push_back(kAlphabet[byte % kAlphabet.size()]);
  }
  return text;
}

std::string ChecksumOf(std::string_view text) {
  std::array<char, kChecksumLength + 1> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", static_cast<unsigned>(base::Checksum(text)));
  return hex.data();
}

}  // namespace

IssuedToken IssueToken(Role role, const std::string& project, std::string note, base::TimeNs now) {
  std::string secret = RandomText(kSecretLength);
  IssuedToken issued;
  issued.token = {RandomText(kIdLength), role, project, now, HashSecret(secret), std::move(note)};
  issued.text = std::string(kPrefix) + std::string(NameOf(role)) + "_" + issued.token.id + "_" + secret;
  issued.text += "_" + ChecksumOf(issued.text);
  return issued;
}

base::Result<TokenParts> ParseToken(std::string_view text) {
  base::Status no_token = base::Status::Invalid("the token is not one that `rankscope token create` printed");
  constexpr size_t kTail = 1 + kIdLength + 1 + kSecretLength + 1 + kChecksumLength;
  if (!text.starts_with(kPrefix) || text.size() <= kPrefix.size() + kTail) return no_token;
  std::string_view tail = text.substr(text.size() - kTail);
  bool shaped = tail[0] == '_' && tail[1 + kIdLength] == '_' && tail[2 + kIdLength + kSecretLength] == '_';
  if (!shaped) return no_token;
  if (ChecksumOf(text.substr(0, text.size() - kChecksumLength - 1)) != text.substr(text.size() - kChecksumLength)) {
    return base::Status::Invalid("the token was mistyped or cut: its checksum differs");
  }
  return TokenParts{tail.substr(1, kIdLength), tail.substr(2 + kIdLength, kSecretLength)};
}

std::string HashSecret(std::string_view secret) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), digest.data());
  std::string hex;
  for (unsigned char byte : digest) {
    hex.push_back("0123456789abcdef"[byte >> 4]);
    hex.push_back("0123456789abcdef"[byte & 15]);
  }
  return hex;
}

bool SameHash(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace rankscope::access
