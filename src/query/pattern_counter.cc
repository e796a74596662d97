#include "query/pattern_counter.h"

#include <algorithm>
#include <cctype>
#include <tuple>

#include "model/ansi.h"
#include "model/record_value.h"

namespace rankscope::query {
namespace {

constexpr size_t kCountBytes = 256;
constexpr size_t kLongestExample = 4096;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

// What stands between blanks, quotes, brackets and the like.
bool Separates(char c) { return std::string_view(" \t\r\n\"'`()[]{}<>,;=|:").find(c) != std::string_view::npos; }

bool IsUuid(std::string_view token) {
  if (token.size() != 36) return false;
  for (size_t i = 0; i < token.size(); ++i) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? token[i] != '-' : !IsHexDigit(token[i])) return false;
  }
  return true;
}

bool IsHex(std::string_view token) {
  bool prefixed = token.starts_with("0x") && token.size() > 2;
  if (prefixed) token.remove_prefix(2);
  bool long_enough = prefixed || token.size() >= 8;
  return long_enough && std::all_of(token.begin(), token.end(), IsHexDigit);
}

// The mask of a token, or nothing when it stays as it is.
std::string_view MaskOf(std::string_view token) {
  bool digits = std::any_of(token.begin(), token.end(), IsDigit);
  if (token.size() > 1 && token.find('/') != std::string_view::npos) {
    return token.starts_with('/') || token.starts_with("./") || token.starts_with("~/") || digits ? "<path>" : "";
  }
  if (!digits) return "";
  if (auto number = model::ParseNumber(token)) return std::holds_alternative<int64_t>(*number) ? "<int>" : "<float>";
  if (IsUuid(token)) return "<uuid>";
  return IsHex(token) ? "<hex>" : "<*>";
}

void AppendMasked(std::string_view token, std::string* out) {
  // A full stop or a percent sign belongs to the sentence, not to the number before it.
  size_t end = token.find_last_not_of(".%!?");
  std::string_view tail = end == std::string_view::npos ? token : token.substr(end + 1);
  token.remove_suffix(tail.size());
  std::string_view mask = MaskOf(token);
  out->append(mask.empty() ? token : mask);
  out->append(tail);
}

}  // namespace

std::string MaskVariables(std::string_view text) {
  std::string plain;
  if (text.find('\x1b') != std::string_view::npos) text = plain = model::StripAnsi(text);
  text = text.substr(0, text.find('\n'));
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    while (at < text.size() && !Separates(text[at])) ++at;
    if (at > begin) AppendMasked(text.substr(begin, at - begin), &out);
    if (at < text.size()) out.push_back(text[at++]);
  }
  return out;
}

void PatternCounter::Take(const model::Record& record) {
  if (record.text.empty()) return;
  std::string mask = MaskVariables(record.text);
  Count& count = counts_[record.origin.job + '\0' + mask];
  model::Pattern& pattern = count.pattern;
  if (pattern.count == 0) {
    budget_->Take(kCountBytes + 2 * mask.size() + std::min(record.text.size(), kLongestExample));
    pattern.job = record.origin.job;
    pattern.text = std::move(mask);
    pattern.first_seen = record.time;
    pattern.example = record.text.substr(0, kLongestExample);
  }
  ++pattern.count;
  pattern.last_seen = record.time;
  if (record.origin.rank) count.ranks.insert(*record.origin.rank);
}

std::vector<model::Pattern> PatternCounter::Finish() {
  std::vector<model::Pattern> patterns;
  for (auto& [key, count] : counts_) {
    count.pattern.ranks = ToNumberSet(count.ranks);
    patterns.push_back(std::move(count.pattern));
  }
  std::sort(patterns.begin(), patterns.end(), [](const auto& a, const auto& b) {
    if (a.count != b.count) return a.count > b.count;
    return std::tie(a.job, a.text) < std::tie(b.job, b.text);
  });
  return patterns;
}

model::NumberSet ToNumberSet(const std::set<int32_t>& ranks) {
  model::NumberSet set;
  for (int32_t rank : ranks) {
    if (!set.ranges.empty() && set.ranges.back().last + 1 == rank) {
      set.ranges.back().last = rank;
    } else {
      set.ranges.push_back({rank, rank, false});
    }
  }
  return set;
}

}  // namespace rankscope::query
