#include "store/new_forms.h"

#include "base/coding.h"

namespace rankscope::store {

uint32_t NewForms::Count(std::string_view text) {
  auto fresh = static_cast<uint32_t>(forms_.size());
  uint32_t number = numbers_.At(base::Checksum(text), fresh);
  if (number == fresh) forms_.push_back({{texts_.Keep(text.data(), text.size()), text.size()}, 0});
  Form& form = forms_[number];
  if (form.text != text) return kNone;
  ++form.count;
  return number;
}

}  // namespace rankscope::store
