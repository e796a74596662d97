#include "store/texts/form_habits.h"

#include <algorithm>
#include <cstring>

namespace rankscope::store {
namespace {

constexpr uint16_t kJudgedFrom = 64;   // texts split
constexpr uint16_t kRemembered = 256;  // likewise: from here on the older ones count half
constexpr uint16_t kWorth = 8;         // one in so many with a known form
constexpr uint16_t kTriedAgain = 8;    // one in so many of the others

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

bool FormHabits::Habit::WorthSplitting() {
  if (split_ < kJudgedFrom || known_ * kWorth >= split_) return true;
  left_out_ = (left_out_ + 1) % kTriedAgain;
  return left_out_ == 0;
}

void FormHabits::Habit::Note(bool known) {
  ++split_;
  known_ += known ? 1 : 0;
  if (split_ < kRemembered) return;
  split_ /= 2;
  known_ /= 2;
}

FormHabits::Habit* FormHabits::Of(std::string_view text) {
  auto letter = static_cast<size_t>(std::find_if(text.begin(), text.end(), IsLetter) - text.begin());
  uint64_t beginning = 0;
  std::memcpy(&beginning, text.data() + letter, std::min(sizeof beginning, text.size() - letter));
  return &habits_[beginning * 0x9e3779b97f4a7c15u >> (64 - kBits)];
}

}  // namespace rankscope::store
