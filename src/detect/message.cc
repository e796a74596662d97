#include "detect/message.h"

#include <algorithm>
#include <array>

#include "base/nearest.h"

namespace rankscope::detect {
namespace {

constexpr std::array<std::string_view, 14> kNames = {"rule", "job", "attempt",   "node", "rank",   "step",  "value",
                                                     "line", "why", "threshold", "time", "median", "peers", "class"};

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Calls plain(text) and named(name) for the parts in turn. False: a {{ without }}.
template <typename Plain, typename Named>
bool ForEachPart(std::string_view text, const Plain& plain, const Named& named) {
  while (true) {
    size_t open = text.find("{{");
    plain(text.substr(0, open));
    if (open == std::string_view::npos) return true;
    size_t close = text.find("}}", open);
    if (close == std::string_view::npos) return false;
    named(Trimmed(text.substr(open + 2, close - open - 2)));
    text.remove_prefix(close + 2);
  }
}

}  // namespace

base::Status CheckMessage(std::string_view text) {
  base::Status status;
  bool closed = ForEachPart(
      text, [](std::string_view) {},
      [&](std::string_view name) {
        if (!status.ok() || std::find(kNames.begin(), kNames.end(), name) != kNames.end()) return;
        std::string known;
        for (std::string_view each : kNames) known += (known.empty() ? "" : ", ") + std::string(each);
        status = base::Status::Invalid("expected {{ one of " + known + " }}, found \"" + std::string(name) + "\"" +
                                       base::Nearest(name, kNames));
      });
  if (!closed) return base::Status::Invalid("expected }} after {{, found the end");
  return status;
}

std::string FillMessage(std::string_view text, const std::function<std::string(std::string_view name)>& value) {
  std::string filled;
  ForEachPart(
      text, [&](std::string_view plain) { filled += plain; }, [&](std::string_view name) { filled += value(name); });
  return filled;
}

}  // namespace rankscope::detect
