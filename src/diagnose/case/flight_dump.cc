#include "diagnose/case/flight_dump.h"

#include <algorithm>
#include <charconv>

#include "diagnose/case/plain_tree.h"

namespace rankscope::diagnose {
namespace {

using Kind = PlainTree::Kind;
using Node = PlainTree::Node;

// "[0, 1, 2]", as the dump writes it, or a list of numbers.
std::vector<int32_t> ReadRanks(const PlainTree& tree, const Node* node) {
  std::vector<int32_t> ranks;
  if (node == nullptr) return ranks;
  if (node->kind == Kind::kList) {
    for (PlainTree::Place item : node->items) {
      ranks.push_back(static_cast<int32_t>(tree.Integer(&tree.at(item)).value_or(-1)));
    }
    return ranks;
  }
  const std::string& text = node->text;
  for (size_t at = text.find_first_of("0123456789"); at != std::string::npos;) {
    int32_t rank = 0;
    const char* end = std::from_chars(text.data() + at, text.data() + text.size(), rank).ptr;
    ranks.push_back(rank);
    at = text.find_first_of("0123456789", std::max(static_cast<size_t>(end - text.data()), at + 1));
  }
  return ranks;
}

std::vector<int64_t> ReadNumbers(const PlainTree& tree, const Node& list) {
  std::vector<int64_t> numbers;
  for (PlainTree::Place item : list.items) {
    const Node& node = tree.at(item);
    if (node.kind != Kind::kList) numbers.push_back(tree.Integer(&node).value_or(-1));
  }
  return numbers;
}

std::vector<std::vector<int64_t>> ReadSizes(const PlainTree& tree, const Node* list) {
  std::vector<std::vector<int64_t>> sizes;
  if (list == nullptr || list->kind != Kind::kList) return sizes;
  for (PlainTree::Place item : list->items) sizes.push_back(ReadNumbers(tree, tree.at(item)));
  return sizes;
}

// A list of texts, or one text.
std::vector<std::string> ReadTexts(const PlainTree& tree, const Node* node) {
  std::vector<std::string> texts;
  if (node == nullptr) return texts;
  if (node->kind == Kind::kText) texts.push_back(node->text);
  if (node->kind != Kind::kList) return texts;
  for (PlainTree::Place item : node->items) texts.push_back(tree.Text(&tree.at(item)));
  return texts;
}

FlightEntry::State StateOf(const std::string& name) {
  if (name == "scheduled") return FlightEntry::State::kScheduled;
  if (name == "started") return FlightEntry::State::kStarted;
  return name == "completed" ? FlightEntry::State::kCompleted : FlightEntry::State::kUnknown;
}

class DumpReader {
 public:
  explicit DumpReader(const PlainTree& tree) : tree_(tree) {}

  FlightDump Read() {
    dump_.version = tree_.Text(tree_.Find(tree_.root(), "version"));
    ReadGroups(tree_.Find(tree_.root(), "pg_config"));
    const Node* entries = tree_.Find(tree_.root(), "entries");
    if (entries != nullptr && entries->kind == Kind::kList) {
      for (PlainTree::Place entry : entries->items) ReadEntry(tree_.at(entry));
    }
    ReadStatus(tree_.Find(tree_.root(), "pg_status"));
    return std::move(dump_);
  }

 private:
  void ReadGroups(const Node* config) {
    if (config == nullptr || config->kind != Kind::kDict) return;
    for (size_t i = 0; i + 1 < config->items.size(); i += 2) {
      const Node& group = tree_.at(config->items[i + 1]);
      FlightGroup read;
      read.name = tree_.Text(&tree_.at(config->items[i]));
      read.description = tree_.Text(tree_.Find(group, "desc"));
      read.ranks = ReadRanks(tree_, tree_.Find(group, "ranks"));
      dump_.groups.push_back(std::move(read));
    }
  }

  size_t GroupNamed(const std::string& name, const std::string& description) {
    auto known = std::find_if(dump_.groups.begin(), dump_.groups.end(), [&](const auto& g) { return g.name == name; });
    if (known == dump_.groups.end()) {
      dump_.groups.push_back({name, description, {}, {}, {}, {}});
      known = dump_.groups.end() - 1;
    }
    return static_cast<size_t>(known - dump_.groups.begin());
  }

  std::optional<base::TimeNs> Time(const Node& entry, std::string_view key) const {
    auto time = tree_.Integer(tree_.Find(entry, key));
    return time && *time > 0 ? time : std::nullopt;  // JSON writes 0 for none
  }

  void ReadEntry(const Node& node) {
    auto number = [&](std::string_view key) { return tree_.Integer(tree_.Find(node, key)).value_or(0); };
    FlightEntry entry;
    entry.record_id = number("record_id");
    entry.collective_seq = number("collective_seq_id");
    entry.p2p_seq = number("p2p_seq_id");
    entry.op_id = number("op_id");
    entry.is_p2p = number("is_p2p") != 0;
    entry.retired = number("retired") != 0;
    entry.operation = tree_.Text(tree_.Find(node, "profiling_name"));
    entry.input_sizes = ReadSizes(tree_, tree_.Find(node, "input_sizes"));
    entry.output_sizes = ReadSizes(tree_, tree_.Find(node, "output_sizes"));
    entry.input_dtypes = ReadTexts(tree_, tree_.Find(node, "input_dtypes"));
    entry.output_dtypes = ReadTexts(tree_, tree_.Find(node, "output_dtypes"));
    entry.state = StateOf(tree_.Text(tree_.Find(node, "state")));
    entry.created = Time(node, "time_created_ns");
    entry.started = Time(node, "time_discovered_started_ns");
    entry.completed = Time(node, "time_discovered_completed_ns");
    entry.timeout_ms = tree_.Integer(tree_.Find(node, "timeout_ms"));
    entry.where = WhereOf(tree_.Find(node, "frames"));
    auto names = ReadTexts(tree_, tree_.Find(node, "process_group"));
    names.resize(std::max<size_t>(names.size(), 2));
    entry.group = GroupNamed(names[0], names[1]);
    if (auto local = tree_.Integer(tree_.Find(node, "pg_id"))) group_of_local_.emplace_back(*local, entry.group);
    dump_.entries.push_back(std::move(entry));
  }

  bool IsOfTorch(PlainTree::Place frame) const {
    const std::string file = tree_.Text(tree_.Find(tree_.at(frame), "filename"));
    return file.find("/torch/") != std::string::npos || file.starts_with("torch/");
  }

  std::string WhereOf(const Node* frames) const {
    if (frames == nullptr || frames->kind != Kind::kList || frames->items.empty()) return {};
    const auto& items = frames->items;
    auto own = std::find_if(items.begin(), items.end(), [&](PlainTree::Place frame) { return !IsOfTorch(frame); });
    const Node& frame = tree_.at(own == items.end() ? items.front() : *own);
    auto line = tree_.Integer(tree_.Find(frame, "line")).value_or(0);
    return tree_.Text(tree_.Find(frame, "filename")) + ":" + std::to_string(line) + " " +
           tree_.Text(tree_.Find(frame, "name"));
  }

  // The status is keyed by the process's own number of a group: entries tell which group that is; without any, groups
  // are taken in the order in which they were made, where there are as many.
  std::optional<size_t> GroupOfLocal(int64_t local, size_t statuses) const {
    for (const auto& [number, group] : group_of_local_) {
      if (number == local) return group;
    }
    bool in_order = group_of_local_.empty() && statuses == dump_.groups.size() && local >= 0;
    return in_order && static_cast<size_t>(local) < statuses ? std::optional(static_cast<size_t>(local)) : std::nullopt;
  }

  void ReadStatus(const Node* status) {
    if (status == nullptr || status->kind != Kind::kDict) return;
    std::sort(group_of_local_.begin(), group_of_local_.end());
    group_of_local_.erase(std::unique(group_of_local_.begin(), group_of_local_.end()), group_of_local_.end());
    for (size_t i = 0; i + 1 < status->items.size(); i += 2) {
      auto local = tree_.Integer(&tree_.at(status->items[i]));
      auto group = local ? GroupOfLocal(*local, status->items.size() / 2) : std::nullopt;
      if (!group) continue;
      const Node& last = tree_.at(status->items[i + 1]);
      FlightGroup& read = dump_.groups[*group];
      read.last_enqueued = tree_.Integer(tree_.Find(last, "last_enqueued_collective"));
      read.last_started = tree_.Integer(tree_.Find(last, "last_started_collective"));
      read.last_completed = tree_.Integer(tree_.Find(last, "last_completed_collective"));
    }
  }

  const PlainTree& tree_;
  FlightDump dump_;
  std::vector<std::pair<int64_t, size_t>> group_of_local_;
};

// Frames of stacks are parts of many entries, each by some bytes; a small file could otherwise take any time.
constexpr size_t kMostWeight = 256;  // for each byte of the dump

}  // namespace

base::Result<FlightDump> ParseFlightDump(std::string_view bytes) {
  bool pickle = bytes.starts_with('\x80');
  ASSIGN_OR_RETURN(PlainTree tree, pickle ? ReadPickle(bytes) : ReadJson(bytes));
  bool dump = tree.Find(tree.root(), "entries") != nullptr || tree.Find(tree.root(), "pg_config") != nullptr ||
              tree.Find(tree.root(), "pg_status") != nullptr;
  if (!dump) return base::Status::Invalid("no flight-recorder dump: it has no entries and no pg_config");
  const size_t most = kMostWeight * bytes.size();
  if (tree.Weight(most) >= most) return base::Status::Invalid("its values are parts of each other again and again");
  return DumpReader(tree).Read();
}

}  // namespace rankscope::diagnose
