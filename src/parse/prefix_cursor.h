#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rankscope::parse {

constexpr std::string_view kDigits = "0123456789";

// A reader of one text from its beginning; each Take… leaves it as it was when it returns nothing.
class PrefixCursor {
 public:
  static constexpr size_t kLongestPrefix = 160;

  explicit PrefixCursor(std::string_view text) : rest_(text) {}

  std::string_view rest() const { return rest_; }
  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void TakeAll(char c) {
    while (rest_.starts_with(c)) rest_.remove_prefix(1);
  }
  template <typename Number>
  std::optional<Number> TakeNumber() {
    Number number = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc() || rest_.starts_with('-')) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return number;
  }
  // Up to the byte, which is taken with it; nothing: it does not come in a prefix's length.
  std::optional<std::string_view> TakeUntil(char c) {
    size_t at = rest_.substr(0, kLongestPrefix).find(c);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return taken;
  }

 private:
  std::string_view rest_;
};

// The number that the word ends with, after the optional part between them ("rank 3", "node-1").
std::optional<int32_t> NumberOf(std::string_view text, std::string_view word);
// The same of the words for a node.
std::optional<int32_t> NodeNumber(std::string_view text);

}  // namespace rankscope::parse
