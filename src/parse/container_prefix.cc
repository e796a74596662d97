#include "parse/container_prefix.h"

#include "parse/leading_time.h"

namespace rankscope::parse {
namespace {

// The number that tells pods apart, from "llm-worker-3" or "jobset-workers-0-2-x7kqz".
std::optional<int32_t> PodNumber(std::string_view name, const PrefixHabits& habits) {
  bool master = name.find("-master-") != std::string_view::npos || name.find("-launcher-") != std::string_view::npos;
  for (size_t dash = name.rfind('-'); dash != std::string_view::npos && dash > 0; dash = name.rfind('-', dash - 1)) {
    auto number = NumberOf(name.substr(dash + 1, name.find('-', dash + 1) - dash - 1), "");
    if (number) return *number + (habits.has_master && !master ? 1 : 0);
  }
  return std::nullopt;
}

}  // namespace

// [pod/job-worker-1/main] text
bool TakePod(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  PrefixCursor cursor = *line;
  if (!cursor.Take("[pod/")) return false;
  auto pod = cursor.TakeUntil(']');
  if (!pod) return false;
  if (auto number = PodNumber(pod->substr(0, pod->find('/')), habits)) prefix->node_rank = number;
  cursor.Take(" ");
  *line = cursor;
  return true;
}

// 2026-11-01T00:00:00.123456789Z text  2026-11-01T00:00:00.123456789+00:00 stderr F text
bool TakeContainerTime(PrefixCursor* line, const PrefixHabits& /*habits*/, LinePrefix* prefix) {
  constexpr size_t kSeconds = 19;
  constexpr size_t kLeastDecimals = 6;
  std::string_view text = line->rest();
  if (text.size() < kSeconds + kLeastDecimals || text[10] != 'T' || text[kSeconds] != '.') return false;
  size_t zone = text.find_first_not_of(kDigits, kSeconds + 1);
  size_t end = text.substr(0, PrefixCursor::kLongestPrefix).find(' ');
  if (end == std::string_view::npos || zone < kSeconds + kLeastDecimals || zone >= end) return false;
  if (text[zone] != 'Z' && text[zone] != '+' && text[zone] != '-') return false;
  auto time = LeadingTime(text.substr(0, end));
  if (!time) return false;
  prefix->time = time;
  line->Take(text.substr(0, end + 1));
  for (std::string_view mark : {"stdout F ", "stderr F ", "stdout P ", "stderr P "}) {
    if (line->Take(mark)) break;
  }
  return true;
}

// trainer-1  | text
bool TakeServiceName(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.service_name) return false;
  PrefixCursor cursor = *line;
  auto name = cursor.TakeUntil('|');
  if (!name || name->empty() || name->back() != ' ') return false;
  std::string_view service = name->substr(0, name->find(' '));
  std::string_view replicated = service.substr(0, service.find_last_not_of(kDigits));
  if (auto rank = NumberOf(replicated, "rank")) {
    prefix->rank = rank;
  } else if (auto node = NodeNumber(replicated)) {
    prefix->node_rank = node;
  } else if (auto row = habits.services.find(service); row != habits.services.end()) {
    prefix->node_rank = row->second;
  }
  cursor.Take(" ");
  *line = cursor;
  return true;
}

// trainer/3 text
bool TakeReplica(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.replica) return false;
  PrefixCursor cursor = *line;
  auto name = cursor.TakeUntil('/');
  bool word = name && !name->empty() && kDigits.find(name->front()) == std::string_view::npos;
  if (!word || name->find_first_of(" [(\t") != std::string_view::npos) return false;
  auto number = cursor.TakeNumber<int32_t>();
  if (!number || !cursor.Take(" ")) return false;
  prefix->node_rank = number;
  *line = cursor;
  return true;
}

// llm-worker-1 pytorch text
bool TakeSternPod(PrefixCursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.pod) return false;
  PrefixCursor cursor = *line;
  auto begins = [](std::string_view word) { return !word.empty() && word[0] >= 'a' && word[0] <= 'z'; };
  auto name = cursor.TakeUntil(' ');
  bool pod = name && begins(*name) && name->find('-') != std::string_view::npos;
  auto container = pod ? cursor.TakeUntil(' ') : std::nullopt;
  if (!container || !begins(*container)) return false;
  if (auto number = PodNumber(*name, habits)) prefix->node_rank = number;
  *line = cursor;
  return true;
}

}  // namespace rankscope::parse
