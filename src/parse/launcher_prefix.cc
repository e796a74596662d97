#include "parse/launcher_prefix.h"

#include <algorithm>

#include "parse/container_prefix.h"
#include "parse/leading_time.h"
#include "parse/prefix_cursor.h"
#include "parse/progress_bar.h"

namespace rankscope::parse {
namespace {

constexpr int kMostPrefixes = 6;
constexpr size_t kLongestPreamble = 100;

using Cursor = PrefixCursor;
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
  std::string_view text = line->rest().substr(0, Cursor::kLongestPrefix);
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
  std::string_view text = line->rest().substr(0, Cursor::kLongestPrefix);
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
