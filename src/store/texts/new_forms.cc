#include "store/texts/new_forms.h"

namespace rankscope::store {

uint32_t NewForms::Count(std::string_view text, uint64_t hash, bool stays) {
  auto fresh = static_cast<uint32_t>(forms_.size());
  uint32_t number = numbers_.At(hash, fresh);
  if (number == fresh) {
    const char* kept = stays ? text.data() : texts_.Keep(text.data(), text.size());
    forms_.push_back({{kept, text.size()}, hash, 0});
  }
  Form& form = forms_[number];
  if (form.text != text) return kNone;
  ++form.count;
  return number;
}

}  // namespace rankscope::store
