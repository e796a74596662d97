#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "notify/update.h"

namespace re2 {
class RE2;
}

namespace rankscope::notify {

// One condition on a label, in Alertmanager's words: severity="critical", job=~"j-.*", class!="network", rank!~"0|1".
// A label that is not there is empty; a regular expression has to match the whole value.
class Matcher {
 public:
  // kInvalid: what is wrong with the text.
  static base::Result<Matcher> Parse(std::string_view text);

  bool Matches(const Labels& labels) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_, name_, value_;
  bool equal_ = true;
  std::shared_ptr<const re2::RE2> regex_;  // null: value_ is meant as it is
};

bool AllMatch(const std::vector<Matcher>& matchers, const Labels& labels);

}  // namespace rankscope::notify
