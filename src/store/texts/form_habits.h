#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rankscope::store {

// Which texts are worth splitting. Of prose, or of lines with several names in them, hardly any two have one form, and
// looking for it is a quarter of what such a text costs: where few of those that begin alike had a form that came
// before, only now and then one is split, to see whether that still holds. One thread.
class FormHabits {
 public:
  class Habit {
   public:
    // Whether the next text is to be split. If so, Note follows.
    bool WorthSplitting();
    // Whether its form came before.
    void Note(bool known);

   private:
    uint16_t split_ = 0, known_ = 0, left_out_ = 0;
  };

  // Of the texts that begin, from their first letter on, as this one does.
  Habit* Of(std::string_view text);

 private:
  static constexpr int kBits = 10;  // of a beginning's place
  std::array<Habit, size_t{1} << kBits> habits_;
};

}  // namespace rankscope::store
