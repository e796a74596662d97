#include "diagnose/case/node_files.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace rankscope::diagnose {
namespace {

using Number = std::optional<int32_t>;

// What lies in one place: a file (with its .err), a folder of the files of ranks, or of torchelastic.
struct Site {
  std::vector<ReadFile*> files;
  std::vector<ErrorFile*> error_files;
  std::set<int32_t> locals, ranks;  // that speak in it
  std::optional<base::TimeNs> first, last;
  std::set<int32_t> told_nodes, told_locals, offsets;  // as launchers tell them

  const std::set<int32_t>& numbers() const { return locals.empty() ? ranks : locals; }
};

using Sites = std::map<std::string, Site>;

// "logs/host-a/rank_3.log", "logs/host-a/attempt_0/3/stdout.log" and "logs/host-a.log" lie in "logs/host-a".
template <typename Placed>
std::string SiteOf(const Placed& file) {
  if (const size_t attempt = file.path.find("/attempt_"); attempt != std::string::npos)
    return file.path.substr(0, attempt);
  const bool of_one_rank = file.rank || file.local_rank;
  const size_t end = file.path.rfind(of_one_rank ? '/' : '.');
  return file.path.substr(0, end);
}

// What a launcher prints of its node: torchelastic's "group_rank=1", "--node_rank 1", "NODE_RANK=1", "machine_rank: 1".
Number ToldNode(std::string_view text) {
  static const re2::RE2 kTold(R"((?i)\b(?:group|node|machine)[_-]rank['"]?(?: ?[=:] ?| )(\d{1,6})\b)");
  int32_t node = 0;
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kTold, &node) ? Number(node) : std::nullopt;
}

// "--nproc_per_node 8", "LOCAL_WORLD_SIZE=8".
Number ToldLocals(std::string_view text) {
  static const re2::RE2 kTold(R"((?i)\b(?:nproc[_-]per[_-]node|local_world_size)['"]?(?: ?[=:] ?| )(\d{1,6})\b)");
  int32_t locals = 0;
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kTold, &locals) ? Number(locals)
                                                                                            : std::nullopt;
}

void Look(const Line& line, Site* site) {
  if (auto locals = ToldLocals(line.text)) site->told_locals.insert(*locals);
  if (auto node = ToldNode(line.text)) site->told_nodes.insert(*node);
  if (auto offset = ReportedOffset(line.text)) site->offsets.insert(*offset);
  if (!line.timed) return;
  site->first = std::min(site->first.value_or(*line.time), *line.time);
  site->last = std::max(site->last.value_or(*line.time), *line.time);
}

Sites FindSites(std::vector<ReadFile>* files) {
  Sites sites;
  for (ReadFile& read : *files) {
    if (read.file.surroundings) continue;
    Site& site = sites[SiteOf(read.file)];
    site.files.push_back(&read);
    for (const auto& [name, lines] : read.kept.writers) {
      const Number local = name.local_rank ? name.local_rank : read.file.local_rank;
      const Number rank = name.rank ? name.rank : read.file.rank;
      if (lines > 0 && local) site.locals.insert(*local);
      if (lines > 0 && rank) site.ranks.insert(*rank);
    }
    for (const Line& line : read.kept.lines) Look(line, &site);
  }
  std::erase_if(sites, [](const auto& site) { return site.second.numbers().empty(); });
  return sites;
}

// How many count from 0 without a gap.
int32_t CountOf(const std::set<int32_t>& numbers) {
  int32_t count = 0;
  while (numbers.count(count) > 0) ++count;
  return count;
}

// The same local ranks, or all the same ranks, of which there are several: one of each is no row.
bool CountAlike(const Site& a, const Site& b) {
  if (a.locals.empty() != b.locals.empty()) return false;
  if (!a.locals.empty())
    return std::any_of(a.locals.begin(), a.locals.end(), [&](int32_t local) { return b.locals.count(local) > 0; });
  return CountOf(a.ranks) > 1 && CountOf(a.ranks) == CountOf(b.ranks);
}

// Absent: one of them has no times.
std::optional<bool> AreOfOneTime(const Site& a, const Site& b) {
  if (!a.first || !b.first) return std::nullopt;
  return *a.first <= *b.last && *b.first <= *a.last;
}

bool EndsWithAnyOf(std::string_view stem, std::initializer_list<std::string_view> words) {
  while (!stem.empty() && std::string_view("-_.=/0123456789").find(stem.back()) != std::string_view::npos)
    stem.remove_suffix(1);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return stem.ends_with(word); });
}

bool IsNodeWord(std::string_view stem) {
  return EndsWithAnyOf(stem, {"node", "host", "worker", "machine", "server", "pod", "gpu", "dgx", "hgx"});
}

// Names of machines that differ in one place: in a number or a letter, or behind a word for a machine.
bool AreNamesOfNodes(const std::string& a, const std::string& b) {
  size_t begin = static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  const size_t longest = std::min(a.size(), b.size()) - begin;
  size_t same = 0;
  while (same < longest && a[a.size() - 1 - same] == b[b.size() - 1 - same]) ++same;
  const std::string stem = a.substr(0, begin);
  const std::string one = a.substr(begin, a.size() - same - begin), other = b.substr(begin, b.size() - same - begin);
  const auto is_short = [](const std::string& text) {
    return text.size() < 2 || text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (EndsWithAnyOf(stem, {"run", "exp", "job", "attempt", "try", "restart", "version", "trial", "slurm", "seed"}))
    return false;
  return IsNodeWord(stem) || (is_short(one) && is_short(other));
}

bool AreNodes(const Sites& sites) {
  if (sites.size() < 2) return false;
  for (auto a = sites.begin(); a != sites.end(); ++a) {
    for (auto b = sites.begin(); b != a; ++b) {
      const auto at_once = AreOfOneTime(a->second, b->second);
      if (!CountAlike(a->second, b->second) || !AreNamesOfNodes(a->first, b->first)) return false;
      if (!at_once.value_or(IsNodeWord(a->first.substr(0, a->first.find_last_of("-_./") + 1)))) return false;
    }
  }
  return true;
}

// How many ranks each node has: as launchers tell, else as many as each counts, where others than the first speak.
Number LocalsOf(const Sites& sites) {
  std::set<int32_t> told, counted;
  for (const auto& [name, site] : sites) {
    told.insert(site.told_locals.begin(), site.told_locals.end());
    counted.insert(CountOf(site.numbers()) > 1 ? CountOf(site.numbers()) : 0);
  }
  const std::set<int32_t>& locals = told.empty() ? counted : told;
  return locals.size() == 1 && *locals.begin() > 0 ? Number(*locals.begin()) : std::nullopt;
}

// As its launcher tells it, its table of failed ranks, or its name.
Number NodeOf(const Site& site, Number locals) {
  if (site.told_nodes.size() == 1) return *site.told_nodes.begin();
  if (site.offsets.size() == 1 && locals && *site.offsets.begin() % *locals == 0)
    return *site.offsets.begin() / *locals;
  return site.files.front()->file.node_rank;
}

// By name. Those that tell none get the numbers that are left, in the order of names. Empty: two tell the same, as two
// launches of one node do.
std::vector<CaseNode> NumberNodes(const Sites& sites, Number locals) {
  std::set<int32_t> taken;
  for (const auto& [name, site] : sites) {
    const Number node = NodeOf(site, locals);
    if (node && !taken.insert(*node).second) return {};
  }
  std::vector<CaseNode> nodes;
  for (const auto& [name, site] : sites) {
    const Number told = NodeOf(site, locals);
    Number node = told;
    for (int32_t next = 0; !node; ++next) node = taken.insert(next).second ? Number(next) : std::nullopt;
    nodes.push_back({*node, name.substr(name.rfind('/') + 1), told.has_value()});
  }
  return nodes;
}

void TakeForLocal(int32_t count, Number* rank, Number* local) {
  if (*rank && !*local && **rank < count) *local = std::exchange(*rank, std::nullopt);
}

// A path that tells a local rank alone makes it the rank.
template <typename Placed>
void ForgetGuess(Placed* file) {
  if (file->rank == file->local_rank) file->rank.reset();
}

void Place(int32_t node, Site* site) {
  const int32_t count = site->locals.empty() ? CountOf(site->ranks) : 0;
  for (ErrorFile* file : site->error_files) {
    file->node_rank = node;
    ForgetGuess(file);
  }
  for (ReadFile* read : site->files) {
    read->file.node_rank = node;
    ForgetGuess(&read->file);
    TakeForLocal(count, &read->file.rank, &read->file.local_rank);
    for (auto& writer : read->kept.writers) TakeForLocal(count, &writer.name.rank, &writer.name.local_rank);
    for (Line& line : read->kept.lines) TakeForLocal(count, &line.rank, &line.local_rank);
  }
}

}  // namespace

std::optional<int32_t> ReportedOffset(std::string_view text) {
  constexpr std::string_view kLocal = "(local_rank: ";
  size_t local_at = text.find(kLocal), rank_at = text.find("rank");
  if (local_at == std::string_view::npos || rank_at >= local_at) return std::nullopt;
  size_t digits = text.find_first_of("0123456789", rank_at);
  int32_t rank = 0, local = 0;
  const char* end = text.data() + text.size();
  bool both = digits < local_at && std::from_chars(text.data() + digits, end, rank).ec == std::errc() &&
              std::from_chars(text.data() + local_at + kLocal.size(), end, local).ec == std::errc();
  return both && rank >= local ? Number(rank - local) : std::nullopt;
}

NodeFiles PlaceNodeFiles(std::vector<ReadFile>* files, std::vector<ErrorFile>* error_files) {
  Sites sites = FindSites(files);
  if (!AreNodes(sites)) return {};
  const Number locals = LocalsOf(sites);
  std::vector<CaseNode> nodes = NumberNodes(sites, locals);
  if (nodes.empty()) return {};
  for (ErrorFile& file : *error_files) {
    if (auto site = sites.find(SiteOf(file)); site != sites.end()) site->second.error_files.push_back(&file);
  }
  auto node = nodes.begin();
  for (auto& [name, site] : sites) Place((node++)->node_rank, &site);
  return {std::move(nodes), locals};
}

}  // namespace rankscope::diagnose
