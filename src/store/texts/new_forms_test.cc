#include "store/texts/new_forms.h"

#include <gtest/gtest.h>

#include <string>

namespace rankscope::store {
namespace {

TEST(NewForms, CountsEachFormAndKeepsItsText) {
  NewForms forms;
  auto text = [](uint32_t i) { return std::string(i % 700 == 0 ? 100'000 : i % 90, 'x') + std::to_string(i); };
  for (uint32_t i = 0; i < 3000; ++i) EXPECT_EQ(forms.Count(text(i), i * 7, /*stays=*/false), i);
  for (uint32_t i = 0; i < 3000; i += 2) EXPECT_EQ(forms.Count(text(i), i * 7, /*stays=*/false), i);
  ASSERT_EQ(forms.forms().size(), 3000u);
  for (uint32_t i = 0; i < 3000; ++i) {
    EXPECT_EQ(forms.forms()[i].text, text(i));
    EXPECT_EQ(forms.forms()[i].count, i % 2 == 0 ? 2u : 1u);
  }
}

TEST(NewForms, TellsFormsOfOneHashApart) {
  NewForms forms;
  EXPECT_EQ(forms.Count("one", 5, /*stays=*/true), 0u);
  EXPECT_EQ(forms.Count("other", 5, /*stays=*/true), NewForms::kNone);
  EXPECT_EQ(forms.Count("one", 5, /*stays=*/true), 0u);
}

}  // namespace
}  // namespace rankscope::store
