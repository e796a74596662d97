#include <algorithm>
#include <set>
#include <vector>

#include "parse/launcher_prefix.h"

namespace rankscope::parse {
namespace {

constexpr size_t kFewestLines = 4;
constexpr size_t kMostHosts = 4096;
constexpr size_t kLongestName = 64;
constexpr std::string_view kDigits = "0123456789";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// How often each candidate of one kind of prefix came.
struct Tally {
  std::map<std::string, size_t, std::less<>> counts;
  size_t lines = 0;
  bool ascending = true;  // each number is the one after the number before: a list, no tasks
  int64_t last = -1;

  void Saw(std::string_view name) {
    if (counts.size() >= kMostHosts) return;
    ++counts[std::string(name)];
    ++lines;
  }
  void SawNumber(std::string_view digits) {
    if (digits.size() > 5) return;
    int64_t number = std::stoll(std::string(digits));
    ascending = ascending && (last < 0 || number == last + 1);
    last = number;
    Saw(digits);
  }
};

// A launcher's own lines may stand between.
bool IsHabit(const Tally& tally, size_t of) {
  return tally.lines >= kFewestLines && tally.lines * 10 >= of * 7 && tally.counts.size() * 2 <= tally.lines;
}

// Tasks are numbered from 0 without many holes, and come again and again. `few_of_many`: others may have printed
// nothing. Where nearly every line has a number, those of a few tasks alone may have been kept.
bool AreTasks(const Tally& tally, size_t of, bool few_of_many = false) {
  constexpr int64_t kMostTasks = 1024;
  if (tally.counts.empty() || tally.lines < 2 || tally.lines * 10 < of * 7) return false;
  int64_t most = 0;
  for (const auto& [digits, count] : tally.counts) most = std::max<int64_t>(most, std::stoll(digits));
  auto distinct = static_cast<int64_t>(tally.counts.size());
  bool again = distinct < static_cast<int64_t>(tally.lines);
  bool kept = tally.lines >= kFewestLines && tally.lines * 10 >= of * 9 && most < kMostTasks &&
              3 * distinct <= static_cast<int64_t>(tally.lines);
  return again && !tally.ascending && (most < 2 * distinct + 1 || few_of_many || kept);
}

// "step1: …" counts steps.
bool IsCountingWord(std::string_view stem) {
  static constexpr std::string_view kWords[] = {"step",  "epoch", "iter",  "iteration", "batch",
                                                "stage", "fold",  "layer", "sample",    "round"};
  while (!stem.empty() && (stem.back() == '-' || stem.back() == '_')) stem.remove_suffix(1);
  return std::any_of(std::begin(kWords), std::end(kWords), [&](auto word) {
    return std::equal(stem.begin(), stem.end(), word.begin(), word.end(),
                      [](char a, char b) { return (a | 0x20) == b; });
  });
}

// Without the number at its end.
std::string_view Stem(std::string_view name) { return name.substr(0, name.find_last_not_of(kDigits) + 1); }

// "rank3: …", "RANK_3: …", "R3: …"
bool IsRankWord(std::string_view stem) {
  while (!stem.empty() && (stem.back() == '-' || stem.back() == '_')) stem.remove_suffix(1);
  return stem == "rank" || stem == "Rank" || stem == "RANK" || stem == "R" || stem == "r";
}

bool LooksLikeAHost(std::string_view name) {
  if (name.size() < 2 || name.size() > kLongestName || name.find_first_of(kDigits) == std::string_view::npos)
    return false;
  bool letters = std::all_of(name.begin(), name.end(), [](char c) {
    return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_';
  });
  bool number = name.find_first_not_of(kDigits) == std::string_view::npos;
  bool source = name.ends_with(".py") || name.ends_with(".cc") || name.ends_with(".cpp") || name.ends_with(".cu");
  return letters && !number && !source && !IsCountingWord(Stem(name));
}

// What srun says itself has no label; of a job that ended at its start that may be most of the lines.
bool IsOfSlurm(std::string_view line) { return line.starts_with("srun: ") || line.starts_with("slurmstepd: "); }

// "llm-worker-1 pytorch text": a name of several parts with a number, and a word.
bool IsPod(std::string_view line) {
  const size_t end = line.find(' ');
  if (end == std::string_view::npos || end + 1 == line.size()) return false;
  std::string_view name = line.substr(0, end);
  auto begins = [](char c) { return c >= 'a' && c <= 'z'; };
  return begins(line.front()) && begins(line[end + 1]) && name.find('-') != std::string_view::npos &&
         name.size() <= kLongestName && LooksLikeAHost(name);
}

class Lesson {
 public:
  void Take(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
    of_slurm_ = of_slurm_ || IsOfSlurm(line);
    if (IsOfSlurm(line)) return;
    ++lines_;
    Engine(line);
    LinePrefix known = ReadLinePrefix(line, {});
    line.remove_prefix(std::min(known.bytes, line.size()));
    if (line.starts_with('[')) {
      Bracket(line.substr(1, line.find(']') - 1), line);
      return;
    }
    Number(line);
    Name(line);
  }

  PrefixHabits Habits() const {
    PrefixHabits habits;
    habits.task_number = AreTasks(tasks_, lines_, of_slurm_);
    habits.bracketed_number = AreTasks(bracketed_, lines_);
    habits.service_name = IsHabit(services_, lines_);
    if (habits.service_name) NameServices(&habits);
    habits.replica = IsHabit(replicas_, lines_);
    habits.host_rank = IsHabit(host_ranks_, lines_);
    habits.pod = IsHabit(pods_, lines_);
    for (const auto& [role, tally] : roles_) {
      if (AreTasks(tally, lines_ / 2)) habits.role = role;
    }
    habits.engine_is_rank = several_engines_ && !engines_have_workers_;
    habits.host_role = AreTasks(host_roles_, lines_ / 2);
    if (habits.host_role)
      NameHosts(hosts_of_roles_, &habits);
    else if (!habits.task_number && IsHabit(hosts_, lines_))
      NameHosts(hosts_, &habits);
    return habits;
  }

 private:
  // (EngineCore_3 pid=17) text, (Worker_TP1 pid=18) text. One alone drives all that there is.
  void Engine(std::string_view line) {
    PrefixHabits engines;
    engines.engine_is_rank = true;
    if (line.starts_with("(EngineCore_")) several_engines_ |= ReadLinePrefix(line, engines).rank.value_or(0) > 0;
    engines_have_workers_ |= line.starts_with("(Worker") || line.starts_with("(VllmWorker");
  }

  // [3] text, [3]: text, [trainer3]:text and [node1:3]:text
  void Bracket(std::string_view inside, std::string_view line) {
    if (inside.empty() || inside.size() > 40 || inside.size() + 2 > line.size()) return;
    std::string_view after = line.substr(inside.size() + 2);
    std::string_view stem = Stem(inside);
    std::string_view digits = inside.substr(stem.size());
    if (digits.empty()) return;
    if (stem.empty() && (after.starts_with(' ') || after.starts_with(": "))) bracketed_.SawNumber(digits);
    bool word = std::all_of(stem.begin(), stem.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    if (word && !stem.empty() && after.starts_with(':') && !IsCountingWord(stem)) {
      roles_[std::string(stem)].SawNumber(digits);
    }
    std::string_view host = stem.substr(0, stem.empty() ? 0 : stem.size() - 1);
    if (stem.ends_with(':') && after.starts_with(':') && LooksLikeAHost(host)) {
      hosts_of_roles_.Saw(host);
      host_roles_.SawNumber(digits);
    }
  }

  void Number(std::string_view line) {
    size_t begin = line.find_first_not_of(' ');
    size_t end = line.find_first_not_of(kDigits, begin);
    if (end == std::string_view::npos || end == begin || line[end] != ':') return;
    bool parted = end + 1 == line.size() || line[end + 1] == ' ';
    if (parted) tasks_.SawNumber(line.substr(begin, end - begin));
  }

  // trainer-1  | text, trainer/3 text, worker-1: text, node1:3: text, llm-worker-1 pytorch text
  void Name(std::string_view line) {
    size_t end = line.find_first_of(" :/");
    if (end == 0 || end == std::string_view::npos || end > kLongestName) return;
    std::string_view name = line.substr(0, end);
    if (line[end] == ':') {
      bool parted = end + 1 == line.size() || line[end + 1] == ' ';
      if (parted && LooksLikeAHost(name)) hosts_.Saw(name);
      size_t digits = line.find_first_not_of(kDigits, end + 1);
      bool rank = digits != std::string_view::npos && digits > end + 1 && line.substr(digits).starts_with(": ");
      if (rank && LooksLikeAHost(name)) host_ranks_.Saw(line.substr(0, digits));
    } else if (line[end] == ' ') {
      if (IsPod(line)) pods_.Saw(line.substr(0, line.find(' ', end + 1)));
      size_t bar = line.find_first_not_of(' ', end);
      if (bar != std::string_view::npos && line.substr(bar).starts_with("| ")) services_.Saw(name);
    } else if (!IsDigit(name.front())) {
      size_t digits = line.find_first_not_of(kDigits, end + 1);
      if (digits != std::string_view::npos && digits > end + 1 && line[digits] == ' ') replicas_.Saw(name);
    }
  }

  // Hosts that differ in the number at their end alone, all of a row, are nodes in its order.
  static void NameHosts(const Tally& tally, PrefixHabits* habits) {
    std::set<int64_t> numbers;
    std::set<std::string_view> stems;
    for (const auto& [host, count] : tally.counts) {
      std::string_view digits = std::string_view(host).substr(Stem(host).size());
      stems.insert(Stem(host));
      if (!digits.empty() && digits.size() < 6) numbers.insert(std::stoll(std::string(digits)));
    }
    habits->hosts_are_ranks = stems.size() == 1 && numbers.size() == tally.counts.size() && IsRankWord(*stems.begin());
    bool row = stems.size() == 1 && numbers.size() == tally.counts.size() && numbers.size() > 1 &&
               *numbers.rbegin() - *numbers.begin() + 1 == static_cast<int64_t>(numbers.size());
    for (const auto& [host, count] : tally.counts) {
      std::optional<int32_t> node;
      if (habits->hosts_are_ranks)
        node = static_cast<int32_t>(std::stoll(host.substr(Stem(host).size())));
      else if (row)
        node = static_cast<int32_t>(std::stoll(host.substr(Stem(host).size())) - *numbers.begin());
      habits->hosts.emplace(host, node);
    }
  }

  // "trainer-1", "trainer-2" of one service, or the services "trainer0" and "trainer1", whose only containers are
  // "trainer0-1" and "trainer1-1": nodes in the order of their numbers, where no others are such a row.
  void NameServices(PrefixHabits* habits) const {
    constexpr std::string_view kOnly = "-1";
    for (size_t cut : {size_t{0}, kOnly.size()}) {
      std::map<std::string_view, std::map<int64_t, std::string_view>> rows;  // by stem
      for (const auto& [service, count] : services_.counts) {
        std::string_view name = service;
        if (cut > 0 && !name.ends_with(kOnly)) continue;
        name.remove_suffix(cut);
        const std::string_view stem = Stem(name), digits = name.substr(stem.size());
        if (!stem.empty() && !digits.empty() && digits.size() < 6)
          rows[stem].emplace(std::stoll(std::string(digits)), service);
      }
      std::erase_if(rows, [](const auto& row) { return row.second.size() < 2; });
      if (rows.size() != 1) continue;
      const auto& [first, name] = *rows.begin()->second.begin();
      for (const auto& [number, service] : rows.begin()->second)
        habits->services.emplace(service, static_cast<int32_t>(number - first));
      return;
    }
  }

  size_t lines_ = 0;       // but srun's own
  bool of_slurm_ = false;  // srun speaks: a label is its
  bool several_engines_ = false, engines_have_workers_ = false;
  Tally tasks_, bracketed_, services_, replicas_, hosts_, host_ranks_, pods_, host_roles_, hosts_of_roles_;
  std::map<std::string, Tally, std::less<>> roles_;
};

template <typename Take>
void ForEachLine(std::string_view text, const Take& take) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size() - 1);
    take(text.substr(0, end + 1).substr(0, text[end] == '\n' ? end : end + 1));
    text.remove_prefix(end + 1);
  }
}

// "[default0]:[2] text": torchrun's tee stands before a number that the rank itself prints.
bool IsOwnNumber(std::string_view line, const PrefixHabits& habits) {
  return habits.bracketed_number && line.find("]<std") == std::string_view::npos &&
         ReadLinePrefix(line, {}).local_rank.has_value();
}

// Whether the tasks are launchers: torchrun speaks, or a rank other than the task's number does.
bool TasksAreLaunchers(std::string_view sample, const PrefixHabits& habits) {
  bool launchers = false;
  bool numbered = habits.task_number || habits.bracketed_number || sample.find("]<std") != std::string_view::npos;
  if (!numbered) return false;
  ForEachLine(sample, [&](std::string_view line) {
    if (IsOwnNumber(line, habits)) return;
    LinePrefix inner = ReadLinePrefix(line, habits);
    PrefixHabits as_node = habits;
    as_node.number_is_node = true;
    auto task = ReadLinePrefix(line, as_node).node_rank;
    if (!task) return;
    bool elastic = line.find("torch.distributed.elastic") != std::string_view::npos ||
                   line.find("torch.distributed.run") != std::string_view::npos;
    launchers = launchers || elastic || inner.local_rank || (inner.rank && inner.rank != task);
  });
  return launchers;
}

}  // namespace

PrefixHabits LearnPrefixHabits(std::string_view sample) {
  Lesson lesson;
  ForEachLine(sample, [&](std::string_view line) { lesson.Take(line); });
  PrefixHabits habits = lesson.Habits();
  habits.has_master =
      sample.find("-master-0/") != std::string_view::npos || sample.find("-master-0 ") != std::string_view::npos;
  habits.number_is_node = TasksAreLaunchers(sample, habits);
  return habits;
}

}  // namespace rankscope::parse
