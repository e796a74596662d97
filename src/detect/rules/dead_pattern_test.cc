#include "detect/rules/dead_pattern.h"

#include <gtest/gtest.h>

#include "detect/rules/pattern_set.h"

namespace rankscope::detect {
namespace {

TEST(DeadPattern, ABorderWhereThereCanBeNone) {
  for (const char* dead : {R"(x\by)", "loss^nan", "nan$ loss", R"(a\Ab)", R"(a\zb)", R"( \b )", "CUDA^"}) {
    EXPECT_NE(WhyDead(dead), "") << dead;
  }
}

TEST(DeadPattern, WhatMayMatchIsNotCalledDead) {
  for (const auto& [pattern, text] : {std::pair(R"(\bloss\b)", "loss"),
                                      {"^nan$", "nan"},
                                      {R"(x?\by)", "y"},
                                      {R"(x\by*)", "x"},
                                      {"a(^|b)c", "abc"},
                                      {R"(a\n^b)", "a\nb"},
                                      {R"([x]\by)", "x"},
                                      {R"(\$a)", "$a"},
                                      {R"(a\^b)", "a^b"},
                                      {".*^a", "b\na"},
                                      {"[$]a^?", "$a"},
                                      {R"(a\b b)", "a b"}}) {
    EXPECT_EQ(WhyDead(pattern), "") << pattern << " is in " << text;
  }
}

}  // namespace
}  // namespace rankscope::detect
