#include "diagnose/case/rank_settling.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "diagnose/case/lone_processes.h"
#include "diagnose/case/name_rows.h"
#include "diagnose/case/node_files.h"

namespace rankscope::diagnose {
namespace {

using Number = std::optional<int32_t>;

bool Speaks(const Line& line) {
  for (std::string_view word :
       {"torch.distributed.elastic", "torch.distributed.run", ") local_rank: ", "(local_rank: "}) {
    if (line.text.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// The folder of one launch on one node: what stands before attempt_0/3/stdout.log.
std::string LaunchOf(const std::string& path) {
  size_t attempt = path.find("/attempt_");
  return attempt == std::string::npos ? "" : path.substr(0, attempt);
}

// Where local ranks mean the same: a node, a launch, or a pair of files (train.out, train.err).
std::string DomainOf(const std::string& path, Number node) {
  if (node) return "node " + std::to_string(*node);
  std::string launch = LaunchOf(path);
  return launch.empty() ? path.substr(0, path.rfind('.')) : launch;
}

// Its rank is that of the word "worker" in its name or its folder's.
bool IsOfAWorker(const CaseFile& file) {
  if (!file.rank || file.node_rank) return false;
  size_t folder = file.path.rfind('/', file.path.rfind('/') - 1);
  std::string_view name = std::string_view(file.path).substr(folder == std::string::npos ? 0 : folder);
  const bool worker = name.find("worker") != std::string_view::npos || name.find("-master-0") != std::string_view::npos;
  return worker && name.find("rank") == std::string_view::npos;
}

struct Domain {
  Number node;
  bool launch = false;  // a folder of torchelastic's
  std::set<int32_t> locals;
  std::set<int32_t> offsets;  // of ranks from local ranks, where lines tell both
};

class Settling {
 public:
  explicit Settling(std::vector<ReadFile>* files) : files_(files) {}

  std::vector<CaseNode> Run(std::vector<ErrorFile>* error_files) {
    ForgetHosts();
    CountMaster();
    TakeWorkersForNodes();
    PlaceNodes();
    PlaceRows();
    NodeFiles nodes = PlaceNodeFiles(files_, error_files);
    locals_of_node_ = nodes.locals;
    ForgetGuesses(error_files);
    for (const ReadFile& file : *files_) Learn(file);
    for (const ErrorFile& file : *error_files) LearnPlace(file.path, file.node_rank, file.local_rank);
    for (const ReadFile& file : *files_) LearnReports(file);
    CountLocals();
    for (ReadFile& file : *files_) Settle(&file);
    for (ErrorFile& file : *error_files) {
      if (!file.rank) file.rank = RankOf(file.path, file.node_rank, file.local_rank);
    }
    if (HasEachNodeOneProcess(*files_)) TakeNodesForRanks();
    return std::move(nodes.nodes);
  }

 private:
  bool IsUnknown(const CaseFile& file) const { return !file.rank && !file.local_rank; }

  static bool HasOtherRanks(const ReadFile& file, int32_t number) {
    const auto& writers = file.kept.writers;
    return std::any_of(writers.begin(), writers.end(), [&](const auto& writer) {
      const Number told = writer.name.rank ? writer.name.rank : writer.name.local_rank;
      return told && told != number;
    });
  }

  // The host "gpu-017" whose ranks speak in its file is no GPU 17.
  void ForgetHosts() {
    for (ReadFile& read : *files_) {
      CaseFile& file = read.file;
      if (!file.local_rank || !HasOtherLocals(read, *file.local_rank)) continue;
      if (file.rank == file.local_rank) file.rank.reset();
      file.local_rank.reset();
    }
  }

  // Other local ranks than that, or several ranks.
  static bool HasOtherLocals(const ReadFile& file, int32_t number) {
    std::set<int32_t> ranks;
    for (const auto& writer : file.kept.writers) {
      if (writer.name.local_rank && writer.name.local_rank != number) return true;
      if (writer.name.rank) ranks.insert(*writer.name.rank);
    }
    return ranks.size() > 1;
  }

  // A launcher, or the ranks of others, speak in it.
  static bool IsOfANode(const ReadFile& file, int32_t number) {
    return HasOtherRanks(file, number) || std::any_of(file.kept.lines.begin(), file.kept.lines.end(), Speaks);
  }

  // Beside a pod "trainer-master-0", which is the first, "trainer-worker-0" is the second.
  void CountMaster() {
    std::vector<CaseFile*> masters, workers;
    for (ReadFile& read : *files_) {
      CaseFile& file = read.file;
      const bool named = file.rank || file.node_rank || file.local_rank;
      if (!named && file.path.find("-master-0", file.path.rfind('/') + 1) != std::string::npos)
        masters.push_back(&file);
      if (IsOfAWorker(file)) workers.push_back(&file);
    }
    if (masters.size() != 1 || workers.empty()) return;
    masters.front()->rank = 0;
    for (CaseFile* worker : workers) ++*worker->rank;
  }

  // A pod "trainer-worker-1" is a rank or, with ranks of its own, a node; its path alone does not tell which.
  void TakeWorkersForNodes() {
    std::vector<ReadFile*> workers;
    for (ReadFile& file : *files_) {
      if (IsOfAWorker(file.file)) workers.push_back(&file);
    }
    bool nodes = std::any_of(workers.begin(), workers.end(),
                             [](const ReadFile* file) { return HasOtherRanks(*file, *file->file.rank); });
    if (!nodes) return;
    for (ReadFile* file : workers) file->file.node_rank = std::exchange(file->file.rank, std::nullopt);
  }

  // The folders "host-0" and "host-1" of local ranks are nodes.
  void PlaceNodes() {
    std::vector<std::string> paths;
    std::vector<CaseFile*> locals;
    for (ReadFile& read : *files_) {
      CaseFile& file = read.file;
      if (file.node_rank || !file.local_rank || file.rank != file.local_rank) continue;
      locals.push_back(&file);
      paths.push_back(file.path);
    }
    const std::vector<RowPlace> places = FindRows(paths);
    for (size_t i = 0; i < locals.size(); ++i) {
      if (!places[i].outer || places[i].inner != locals[i]->local_rank) continue;
      locals[i]->node_rank = places[i].outer;
      locals[i]->rank.reset();
    }
  }

  void PlaceRows() {
    std::vector<std::string> paths;
    std::vector<ReadFile*> unknown;
    for (ReadFile& file : *files_) {
      if (!IsUnknown(file.file)) continue;
      unknown.push_back(&file);
      paths.push_back(file.file.path);
    }
    std::vector<RowPlace> places = FindRows(paths);
    bool nodes = false;
    for (size_t i = 0; i < unknown.size(); ++i) {
      nodes = nodes || (places[i].inner && IsOfANode(*unknown[i], *places[i].inner));
    }
    for (size_t i = 0; i < unknown.size(); ++i) Place(places[i], nodes, &unknown[i]->file);
  }

  static void Place(const RowPlace& place, bool nodes, CaseFile* file) {
    if (!place.inner) return;
    if (place.outer && !nodes) {
      if (!file->node_rank) file->node_rank = place.outer;
      file->local_rank = place.inner;
    } else if (file->node_rank) {
      // Its number may be the very one that told the node.
      if (place.outer) file->local_rank = place.inner;
    } else {
      (nodes ? file->node_rank : file->rank) = place.inner;
    }
  }

  // A path that tells a local rank alone makes it the rank: right where there is one node.
  void ForgetGuesses(std::vector<ErrorFile>* error_files) {
    auto forget = [](auto* file) {
      if (!file->node_rank && file->local_rank && file->rank == file->local_rank) file->rank.reset();
    };
    for (ReadFile& file : *files_) forget(&file.file);
    for (ErrorFile& file : *error_files) forget(&file);
  }

  Domain* LearnPlace(const std::string& path, Number node, Number local) {
    if (!local) return nullptr;
    Domain& domain = domains_[DomainOf(path, node)];
    domain.node = node;
    domain.launch = domain.launch || !LaunchOf(path).empty();
    domain.locals.insert(*local);
    return &domain;
  }

  void Learn(const ReadFile& file) {
    LearnPlace(file.file.path, file.file.node_rank, file.file.local_rank);
    for (const auto& [name, lines] : file.kept.writers) {
      Number node = name.node_rank ? name.node_rank : file.file.node_rank;
      Number local = name.local_rank ? name.local_rank : file.file.local_rank;
      Domain* domain = lines > 0 ? LearnPlace(file.file.path, node, local) : nullptr;
      if (domain != nullptr && name.rank) domain->offsets.insert(*name.rank - *local);
    }
  }

  // A launcher that is in no domain of its own speaks of the only one.
  void LearnReports(const ReadFile& file) {
    for (const Line& line : file.kept.lines) {
      const Number offset = line.rank ? std::nullopt : ReportedOffset(line.text);
      if (!offset) continue;
      auto reported = domains_.find(DomainOf(file.file.path, line.node_rank ? line.node_rank : file.file.node_rank));
      if (reported == domains_.end() && domains_.size() == 1) reported = domains_.begin();
      if (reported != domains_.end()) reported->second.offsets.insert(*offset);
    }
  }

  // How many local ranks each node has, where that is known. One alone may be what is left of several, but for
  // torchelastic, which makes a folder for each.
  void CountLocals() {
    std::set<int32_t> counts, nodes;
    bool launches = true;
    for (const auto& [name, domain] : domains_) {
      if (!domain.node) return;
      nodes.insert(*domain.node);
      launches = launches && domain.launch;
      bool whole = *domain.locals.rbegin() + 1 == static_cast<int32_t>(domain.locals.size());
      bool told = *domain.node > 0 && domain.offsets.size() == 1 && *domain.offsets.begin() % *domain.node == 0;
      if (told) locals_of_node_ = *domain.offsets.begin() / *domain.node;
      counts.insert(whole ? *domain.locals.rbegin() + 1 : -1);
    }
    bool all = !nodes.empty() && *nodes.begin() == 0 && *nodes.rbegin() + 1 == static_cast<int32_t>(nodes.size());
    const int32_t fewest = launches ? 1 : 2;
    if (!locals_of_node_ && all && counts.size() == 1 && *counts.begin() >= fewest) locals_of_node_ = *counts.begin();
  }

  // One launch, and perhaps the file that it printed to.
  bool IsOneNode() const {
    auto launches = std::count_if(domains_.begin(), domains_.end(), [](const auto& d) { return d.second.launch; });
    auto nodes = std::count_if(domains_.begin(), domains_.end(), [](const auto& d) { return d.second.node > 0; });
    return nodes == 0 && launches <= 1 && domains_.size() - static_cast<size_t>(launches) <= 1;
  }

  Number RankOf(const std::string& path, Number node, Number local) const {
    auto found = local ? domains_.find(DomainOf(path, node)) : domains_.end();
    if (found == domains_.end()) return std::nullopt;
    const Domain& domain = found->second;
    if (domain.offsets.size() == 1) return *local + *domain.offsets.begin();
    if (node && locals_of_node_) return *node * *locals_of_node_ + *local;
    if (domain.offsets.empty() && IsOneNode()) return local;
    return std::nullopt;
  }

  // What the prefix left open is as the file's place says.
  template <typename Named>
  void Fill(const CaseFile& file, Named* named) const {
    if (!named->node_rank) named->node_rank = file.node_rank;
    if (!named->local_rank && (!named->rank || named->rank == file.rank)) named->local_rank = file.local_rank;
    if (!named->rank && named->local_rank) named->rank = RankOf(file.path, named->node_rank, named->local_rank);
    if (!named->rank && named->local_rank == file.local_rank) named->rank = file.rank;
  }

  void Settle(ReadFile* file) {
    CaseFile& place = file->file;
    if (!place.rank) place.rank = RankOf(place.path, place.node_rank, place.local_rank);
    for (auto& writer : file->kept.writers) Fill(place, &writer.name);
    for (Line& line : file->kept.lines) Fill(place, &line);
  }

  void TakeNodesForRanks() {
    auto take = [](auto* named) {
      if (!named->rank) named->rank = named->node_rank;
    };
    for (ReadFile& file : *files_) {
      take(&file.file);
      for (auto& writer : file.kept.writers) take(&writer.name);
      for (Line& line : file.kept.lines) take(&line);
    }
  }

  std::vector<ReadFile>* files_;
  std::map<std::string, Domain> domains_;
  Number locals_of_node_;
};

}  // namespace

std::vector<CaseNode> SettleRanks(std::vector<ReadFile>* files, std::vector<ErrorFile>* error_files) {
  return Settling(files).Run(error_files);
}

}  // namespace rankscope::diagnose
