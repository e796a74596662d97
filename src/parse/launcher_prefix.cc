#include "parse/launcher_prefix.h"

#include <algorithm>
#include <charconv>

#include "parse/leading_time.h"
#include "parse/progress_bar.h"

namespace rankscope::parse {
namespace {

constexpr int kMostPrefixes = 6;
constexpr size_t kLongestPrefix = 160;
constexpr size_t kLongestPreamble = 100;
constexpr std::string_view kDigits = "0123456789";

// A reader of one text from its beginning; each Take… leaves it as it was when it returns nothing.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  std::string_view rest() const { return rest_; }
  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void TakeAll(char c) {
    while (rest_.starts_with(c)) rest_.remove_prefix(1);
  }
  template <typename Number>
  std::optional<Number> TakeNumber() {
    Number number = 0;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc() || rest_.starts_with('-')) return std::nullopt;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    return number;
  }
  // Up to the byte, which is taken with it; nothing: it does not come in a prefix's length.
  std::optional<std::string_view> TakeUntil(char c) {
    size_t at = rest_.substr(0, kLongestPrefix).find(c);
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at + 1);
    return taken;
  }

 private:
  std::string_view rest_;
};

// The number that the word ends with, after the optional part between them ("rank 3", "node-1").
std::optional<int32_t> NumberOf(std::string_view text, std::string_view word) {
  Cursor cursor(text);
  if (!cursor.Take(word)) return std::nullopt;
  if (!cursor.rest().empty() && std::string_view("-_: =").find(cursor.rest().front()) != std::string_view::npos) {
    cursor.Take(cursor.rest().substr(0, 1));
  }
  cursor.TakeAll(' ');
  auto number = cursor.TakeNumber<int32_t>();
  return cursor.rest().empty() ? number : std::nullopt;
}

std::optional<int32_t> NodeNumber(std::string_view text) {
  for (std::string_view word : {"node", "worker", "host"}) {
    if (auto number = NumberOf(text, word)) return number;
  }
  return std::nullopt;
}

using Taker = bool (*)(Cursor*, const PrefixHabits&, LinePrefix*);

void SetTask(int32_t number, const PrefixHabits& habits, LinePrefix* prefix) {
  (habits.number_is_node ? prefix->node_rank : prefix->rank) = number;
}

// node1:3, of torchrun's role. Of several hosts whose names tell no node the number tells no rank.
bool TakeHostRole(std::string_view inside, const PrefixHabits& habits, LinePrefix* prefix) {
  const size_t parts = inside.rfind(':');
  if (!habits.host_role || parts == std::string_view::npos) return false;
  auto host = habits.hosts.find(inside.substr(0, parts));
  auto local = NumberOf(inside.substr(parts + 1), "");
  if (host == habits.hosts.end() || !local) return false;
  if (host->second) prefix->node_rank = host->second;
  if (host->second || habits.hosts.size() == 1) prefix->local_rank = local;
  return true;
}

// [default3]:text  [rank3]: text  [default1|5]:text  [node-1:rank3] text  [node1:3]:text
bool TakeBracketedRank(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  Cursor cursor = *line;
  if (!cursor.Take("[")) return false;
  auto inside = cursor.TakeUntil(']');
  if (!inside) return false;
  bool colon = cursor.Take(":");
  if (colon && TakeHostRole(*inside, habits, prefix)) {
    *line = cursor;  // the text follows at once
    return true;
  }
  std::string_view role = habits.role.empty() ? "default" : std::string_view(habits.role);
  if (size_t parts = inside->find(':');
      parts != std::string_view::npos && NumberOf(inside->substr(parts + 1), "rank")) {
    prefix->rank = NumberOf(inside->substr(parts + 1), "rank");
    if (auto node = NodeNumber(inside->substr(0, parts))) prefix->node_rank = node;
  } else if (auto rank = NumberOf(*inside, "rank");
             rank && colon && inside->find_first_of(" :=") == std::string::npos) {
    prefix->rank = rank;
  } else if (size_t bar = inside->find('|'); colon && bar != std::string_view::npos) {
    size_t digits = inside->substr(0, bar).find_last_not_of(kDigits) + 1;
    auto both = NumberOf(inside->substr(bar + 1), "");
    auto local = NumberOf(inside->substr(digits, bar - digits), "");
    if (!both || !local || digits == 0) return false;
    prefix->rank = both;
    prefix->local_rank = local;
  } else if (auto local = NumberOf(*inside, role); local && colon) {
    prefix->local_rank = local;
    *line = cursor;  // the text follows at once
    return true;
  } else {
    return false;
  }
  cursor.Take(" ");
  *line = cursor;
  return true;
}

// "1,3" of Open MPI, "1,mpirank:3,algo-1" of SageMaker's.
std::optional<int32_t> TaskOfTag(std::string_view name) {
  constexpr std::string_view kNamed = ",mpirank:";
  const size_t named = name.find(kNamed);
  if (named != std::string_view::npos) return Cursor(name.substr(named + kNamed.size())).TakeNumber<int32_t>();
  return NumberOf(name.substr(name.rfind(',') + 1), "");
}

// [1,3]<stdout>:text  [prterun-node7-91@1,3]<stderr>: text  [3]<stdout>:text, a date before it
bool TakeMpiTag(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  std::string_view text = line->rest().substr(0, kLongestPrefix);
  size_t tag = text.find("]<std");
  if (tag == std::string_view::npos || tag + 10 > text.size() || text.substr(tag + 8, 2) != ">:") return false;
  size_t open = text.rfind('[', tag);
  if (open == std::string_view::npos) return false;
  auto time = LeadingTime(text.substr(0, open));
  if (open > 0 && !time) return false;
  std::string_view name = text.substr(open + 1, tag - open - 1);
  auto number = TaskOfTag(name);
  if (!number) return false;
  SetTask(*number, habits, prefix);
  if (time) prefix->time = time;
  line->Take(text.substr(0, tag + 10));
  if (name.find('@') != std::string_view::npos) line->Take(" ");
  return true;
}

// vLLM names a worker by its place in each group, "Worker_DP0_PP0_TP3": its rank, where that is the first in all
// others.
std::optional<int32_t> RankInGroups(std::string_view name) {
  std::optional<int32_t> rank;
  size_t worker = name.find("Worker");
  if (worker == std::string_view::npos) return rank;
  for (std::string_view group : {"DP", "PP", "TP"}) {
    size_t at = name.find(group, worker);
    if (at == std::string_view::npos || (name[at - 1] != '_' && name[at - 1] != ' ')) continue;
    auto place = Cursor(name.substr(at + group.size())).TakeNumber<int32_t>();
    if (!place || rank.value_or(0) > 0) return std::nullopt;
    rank = place;
  }
  return rank;
}

// (EngineCore_3 pid=17), (EngineCore_DP3 pid=17)
std::optional<int32_t> EngineOf(std::string_view name) {
  Cursor cursor(name);
  if (!cursor.Take("(EngineCore_")) return std::nullopt;
  cursor.Take("DP");
  auto number = cursor.TakeNumber<int32_t>();
  return cursor.rest() == " " ? number : std::nullopt;
}

// (Actor pid=17, ip=10.0.0.1) text  (worker1, rank=1, pid=99) text  (raylet) text
bool TakeRayActor(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  std::string_view text = line->rest().substr(0, kLongestPrefix);
  if (!text.starts_with('(')) return false;
  size_t pid = text.find("pid=");
  bool known = text.starts_with("(raylet") || text.starts_with("(autoscaler");
  size_t end = text.find(')', pid == std::string_view::npos ? 0 : pid);
  bool parted = pid != std::string_view::npos && (text[pid - 1] == ' ' || text[pid - 1] == '(');
  if (end == std::string_view::npos || (!parted && !known) || !text.substr(end + 1).starts_with(' ')) return false;
  if (parted) prefix->pid = Cursor(text.substr(pid + 4)).TakeNumber<int64_t>();
  size_t rank = text.substr(0, end).find(", rank=");  // SkyPilot: of the node
  if (rank != std::string_view::npos) prefix->node_rank = Cursor(text.substr(rank + 7)).TakeNumber<int32_t>();
  if (size_t own = text.substr(0, end).find(" rank="); own != std::string_view::npos && text[own - 1] != ',') {
    prefix->rank = Cursor(text.substr(own + 6)).TakeNumber<int32_t>();  // vLLM
  } else if (auto place = parted ? RankInGroups(text.substr(0, pid)) : std::nullopt) {
    prefix->rank = place;
  } else if (parted && habits.engine_is_rank) {
    prefix->rank = EngineOf(text.substr(0, pid));
  }
  line->Take(text.substr(0, end + 2));
  return true;
}

// The number that tells pods apart, from "llm-worker-3" or "jobset-workers-0-2-x7kqz".
std::optional<int32_t> PodNumber(std::string_view name, const PrefixHabits& habits) {
  bool master = name.find("-master-") != std::string_view::npos || name.find("-launcher-") != std::string_view::npos;
  for (size_t dash = name.rfind('-'); dash != std::string_view::npos && dash > 0; dash = name.rfind('-', dash - 1)) {
    auto number = NumberOf(name.substr(dash + 1, name.find('-', dash + 1) - dash - 1), "");
    if (number) return *number + (habits.has_master && !master ? 1 : 0);
  }
  return std::nullopt;
}

// [pod/job-worker-1/main] text
bool TakePod(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  Cursor cursor = *line;
  if (!cursor.Take("[pod/")) return false;
  auto pod = cursor.TakeUntil(']');
  if (!pod) return false;
  if (auto number = PodNumber(pod->substr(0, pod->find('/')), habits)) prefix->node_rank = number;
  cursor.Take(" ");
  *line = cursor;
  return true;
}

// 2026-11-01T00:00:00.123456789Z text  2026-11-01T00:00:00.123456789+00:00 stderr F text
bool TakeContainerTime(Cursor* line, const PrefixHabits& /*habits*/, LinePrefix* prefix) {
  constexpr size_t kSeconds = 19;
  constexpr size_t kLeastDecimals = 6;
  std::string_view text = line->rest();
  if (text.size() < kSeconds + kLeastDecimals || text[10] != 'T' || text[kSeconds] != '.') return false;
  size_t zone = text.find_first_not_of(kDigits, kSeconds + 1);
  size_t end = text.substr(0, kLongestPrefix).find(' ');
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

// 3: text, right-aligned by blanks
bool TakeTaskNumber(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.task_number) return false;
  Cursor cursor = *line;
  cursor.TakeAll(' ');
  auto number = cursor.TakeNumber<int32_t>();
  if (!number || !cursor.Take(":") || !(cursor.Take(" ") || cursor.rest().empty())) return false;
  SetTask(*number, habits, prefix);
  *line = cursor;
  return true;
}

// [3] text  [3]: text
bool TakeBracketedNumber(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.bracketed_number) return false;
  Cursor cursor = *line;
  if (!cursor.Take("[")) return false;
  auto number = cursor.TakeNumber<int32_t>();
  if (!number || !(cursor.Take("] ") || cursor.Take("]: "))) return false;
  SetTask(*number, habits, prefix);
  *line = cursor;
  return true;
}

// trainer-1  | text
bool TakeServiceName(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.service_name) return false;
  Cursor cursor = *line;
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
bool TakeReplica(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.replica) return false;
  Cursor cursor = *line;
  auto name = cursor.TakeUntil('/');
  bool word = name && !name->empty() && kDigits.find(name->front()) == std::string_view::npos;
  if (!word || name->find_first_of(" [(\t") != std::string_view::npos) return false;
  auto number = cursor.TakeNumber<int32_t>();
  if (!number || !cursor.Take(" ")) return false;
  prefix->node_rank = number;
  *line = cursor;
  return true;
}

// worker-1: text  rank3: text
bool TakeHost(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (habits.hosts.empty()) return false;
  Cursor cursor = *line;
  auto name = cursor.TakeUntil(':');
  auto host = name ? habits.hosts.find(*name) : habits.hosts.end();
  if (host == habits.hosts.end() || !(cursor.Take(" ") || cursor.rest().empty())) return false;
  if (host->second) (habits.hosts_are_ranks ? prefix->rank : prefix->node_rank) = host->second;
  *line = cursor;
  return true;
}

bool IsAddress(std::string_view text) {
  return text.find_first_not_of("0123456789.") == std::string_view::npos &&
         std::count(text.begin(), text.end(), '.') == 3 && text.size() >= std::string_view("0.0.0.0").size();
}

// 10.2.3.4: [rank0]: text, by pdsh, also where a few lines are no habit: what a rank is named by begins a line.
bool TakeAddress(Cursor* line, const PrefixHabits&, LinePrefix*) {
  Cursor cursor = *line;
  auto name = cursor.TakeUntil(':');
  if (!name || !IsAddress(*name) || !cursor.Take(" ") || !cursor.rest().starts_with("[rank")) return false;
  *line = cursor;
  return true;
}

// node1:3: text
bool TakeHostRank(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.host_rank) return false;
  Cursor cursor = *line;
  auto name = cursor.TakeUntil(':');
  auto number = name && name->find(' ') == std::string_view::npos ? cursor.TakeNumber<int32_t>() : std::nullopt;
  if (!number || !cursor.Take(": ")) return false;
  prefix->rank = number;
  *line = cursor;
  return true;
}

// llm-worker-1 pytorch text
bool TakeSternPod(Cursor* line, const PrefixHabits& habits, LinePrefix* prefix) {
  if (!habits.pod) return false;
  Cursor cursor = *line;
  auto begins = [](std::string_view word) { return !word.empty() && word[0] >= 'a' && word[0] <= 'z'; };
  auto name = cursor.TakeUntil(' ');
  bool pod = name && begins(*name) && name->find('-') != std::string_view::npos;
  auto container = pod ? cursor.TakeUntil(' ') : std::nullopt;
  if (!container || !begins(*container)) return false;
  if (auto number = PodNumber(*name, habits)) prefix->node_rank = number;
  *line = cursor;
  return true;
}

constexpr Taker kTakers[] = {TakeBracketedRank, TakeMpiTag,          TakeRayActor,    TakePod,     TakeContainerTime,
                             TakeTaskNumber,    TakeBracketedNumber, TakeServiceName, TakeReplica, TakeHost,
                             TakeAddress,       TakeHostRank,        TakeSternPod};

// [rank: 3] text (Lightning)
std::optional<int32_t> SpokenRank(std::string_view line) {
  constexpr std::string_view kSpoken = "[rank: ";
  if (!line.starts_with(kSpoken)) return std::nullopt;
  Cursor cursor(line.substr(kSpoken.size()));
  auto rank = cursor.TakeNumber<int32_t>();
  return cursor.Take("]") ? rank : std::nullopt;
}

}  // namespace

LinePrefix ReadLinePrefix(std::string_view line, const PrefixHabits& habits) {
  LinePrefix prefix;
  Cursor cursor(line);
  for (int i = 0; i < kMostPrefixes; ++i) {
    bool taken = false;
    for (Taker take : kTakers) {
      if ((taken = take(&cursor, habits, &prefix))) break;
    }
    if (!taken) break;
  }
  if (!prefix.rank) prefix.rank = SpokenRank(cursor.rest());
  prefix.bytes = line.size() - cursor.rest().size();
  return prefix;
}

LinePrefix FindEmbeddedPrefix(std::string_view line) {
  for (std::string_view word : {"[rank", "[default"}) {
    size_t at = line.find(word);
    if (at == std::string_view::npos || at == 0) continue;
    Cursor cursor(line.substr(at));
    LinePrefix prefix;
    bool preamble = at <= kLongestPreamble && LeadingTime(line.substr(0, at)).has_value();
    if ((!preamble && !HasProgressBar(line.substr(0, at))) || !TakeBracketedRank(&cursor, {}, &prefix)) continue;
    LinePrefix more = ReadLinePrefix(cursor.rest(), {});
    if (more.rank) prefix.rank = more.rank;
    prefix.bytes = line.size() - cursor.rest().size() + more.bytes;
    return prefix;
  }
  const size_t after_bar = TextAfterBar(line);
  LinePrefix prefix = after_bar > 0 ? ReadLinePrefix(line.substr(after_bar), {}) : LinePrefix();
  if (!prefix.rank && !prefix.pid) return {};
  prefix.bytes += after_bar;
  return prefix;
}

}  // namespace rankscope::parse
