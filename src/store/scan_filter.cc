#include "store/scan_filter.h"

#include <algorithm>
#include <map>
#include <optional>

#include "store/slot_column.h"
#include "store/word_filter.h"

namespace rankscope::store {
namespace {

using Kind = model::Filter::Kind;
using KeyKind = model::RecordKey::Kind;

bool IsOriginKey(KeyKind kind) {
  return kind == KeyKind::kProject || kind == KeyKind::kJob || kind == KeyKind::kAttempt ||
         kind == KeyKind::kNodeRank || kind == KeyKind::kRank || kind == KeyKind::kLocalRank || kind == KeyKind::kHost;
}

Verdict Of(bool holds) { return holds ? Verdict::kYes : Verdict::kNo; }

bool HasName(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

struct ScanFilter::Node {
  Kind kind;
  std::vector<std::shared_ptr<Node>> children;
  // Of a leaf.
  model::RecordKey key;
  model::Filter filter;
  std::unique_ptr<model::Matcher> matcher;
  std::shared_ptr<const TextTerm> term;

  static base::Result<std::shared_ptr<Node>> Make(const model::Filter& filter) {
    auto node = std::make_shared<Node>();
    node->kind = filter.kind;
    for (const model::Filter& child : filter.children) {
      ASSIGN_OR_RETURN(auto made, Make(child));
      node->children.push_back(std::move(made));
    }
    if (!node->leaf()) return node;
    node->filter = filter;
    if (filter.kind == Kind::kTime) {
      node->key.kind = KeyKind::kTimestamp;
      return node;
    }
    node->key = model::RecordKey::Of(filter.name);
    ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(filter));
    node->matcher = std::make_unique<model::Matcher>(std::move(matcher));
    if (node->key.kind == KeyKind::kMessage) {
      ASSIGN_OR_RETURN(node->term, TextTerm::Make(filter));
    }
    return node;
  }

  bool leaf() const { return kind != Kind::kAll && kind != Kind::kAnd && kind != Kind::kOr && kind != Kind::kNot; }

  template <typename Visit>
  void ForEachLeaf(const Visit& visit) const {
    if (leaf()) visit(*this);
    for (const auto& child : children) child->ForEachLeaf(visit);
  }

  bool OnlyOrigins() const {
    bool only = true, any = false;
    ForEachLeaf([&](const Node& node) {
      any = true;
      only = only && node.kind != Kind::kTime && IsOriginKey(node.key.kind);
    });
    return only && any;
  }

  // REQUIRES that only origins are asked about.
  bool HoldsForOrigin(const model::Record& record) const {
    switch (kind) {
      case Kind::kAll:
        return true;
      case Kind::kAnd:
        return std::all_of(children.begin(), children.end(), [&](const auto& c) { return c->HoldsForOrigin(record); });
      case Kind::kOr:
        return std::any_of(children.begin(), children.end(), [&](const auto& c) { return c->HoldsForOrigin(record); });
      case Kind::kNot:
        return !children[0]->HoldsForOrigin(record);
      default:
        return matcher->Matches(record);
    }
  }

  // `judge` gives a leaf's verdict.
  template <typename Judge>
  Verdict Evaluate(const Judge& judge) const {
    switch (kind) {
      case Kind::kAll:
        return Verdict::kYes;
      case Kind::kAnd: {
        Verdict least = Verdict::kYes;
        for (const auto& child : children) least = std::min(least, child->Evaluate(judge));
        return least;
      }
      case Kind::kOr: {
        Verdict most = Verdict::kNo;
        for (const auto& child : children) most = std::max(most, child->Evaluate(judge));
        return most;
      }
      case Kind::kNot:
        return static_cast<Verdict>(2 - static_cast<int>(children[0]->Evaluate(judge)));
      default:
        return judge(*this);
    }
  }
};

struct ScanFilter::Judgement {
  std::vector<Verdict> classes;
  std::vector<char> origins;
  bool any = false, every_origin = true;
  // Of classes that are kMaybe because of one text term alone, whose literal can only lie inside a slot.
  const TextTerm* term = nullptr;
  std::vector<uint64_t> inside_slots;  // by class; 0: no such thing
};

base::Result<std::unique_ptr<ScanFilter>> ScanFilter::Compile(const model::Filter& filter, VerdictCache* cache) {
  std::unique_ptr<ScanFilter> compiled(new ScanFilter);
  compiled->cache_ = cache;
  ASSIGN_OR_RETURN(model::Matcher matcher, model::Matcher::Compile(filter));
  compiled->matcher_ = std::make_unique<model::Matcher>(std::move(matcher));
  RETURN_IF_ERROR(compiled->AddConjuncts(filter));
  return compiled;
}

base::Status ScanFilter::AddConjuncts(const model::Filter& filter) {
  if (filter.kind == Kind::kAnd) {
    for (const model::Filter& child : filter.children) RETURN_IF_ERROR(AddConjuncts(child));
    return {};
  }
  if (filter.kind == Kind::kTime) {
    since_ = std::max(since_, filter.since);
    until_ = std::min(until_, filter.until);
    return {};
  }
  ASSIGN_OR_RETURN(auto node, Node::Make(filter));
  if (node->OnlyOrigins()) {
    origin_terms_.push_back(std::move(node));
    return {};
  }
  node->ForEachLeaf([this](const Node& leaf) {
    if (leaf.key.kind == KeyKind::kMessage) needs_text_ = true;
    if (leaf.key.kind != KeyKind::kTimestamp && leaf.key.kind != KeyKind::kStream) needs_fields_ = true;
  });
  class_terms_.push_back(std::move(node));
  return {};
}

bool ScanFilter::MayMatchJob(const std::string& project, const std::string& job) const {
  model::Record record;
  record.origin.project = project;
  record.origin.job = job;
  for (const auto& term : origin_terms_) {
    bool job_only = true;
    term->ForEachLeaf([&](const Node& leaf) {
      job_only = job_only && (leaf.key.kind == KeyKind::kProject || leaf.key.kind == KeyKind::kJob);
    });
    if (job_only && !term->HoldsForOrigin(record)) return false;
  }
  return true;
}

ScanFilter::Judgement ScanFilter::Judge(const BlockInfo& info, const BlockHeader& header, const Segment& segment,
                                        const std::shared_ptr<const TemplateDictionary>& dictionary) const {
  Judgement judgement;
  model::Record record;
  record.origin.project = segment.project();
  record.origin.job = segment.job();
  // A field may stand in for an origin's member that is not known.
  std::vector<const Node*> residual;
  std::vector<const Node*> exact;
  for (const auto& term : origin_terms_) {
    bool shadowed = false;
    term->ForEachLeaf([&](const Node& leaf) {
      for (const auto& names : header.schemas) shadowed = shadowed || HasName(names, leaf.key.name);
    });
    (shadowed ? residual : exact).push_back(term.get());
  }
  for (const model::Origin& origin : header.origins) {
    record.origin.attempt = origin.attempt;
    record.origin.node_rank = origin.node_rank;
    record.origin.rank = origin.rank;
    record.origin.local_rank = origin.local_rank;
    record.origin.host = origin.host;
    bool holds =
        std::all_of(exact.begin(), exact.end(), [&](const Node* term) { return term->HoldsForOrigin(record); });
    judgement.origins.push_back(holds);
    judgement.every_origin = judgement.every_origin && holds;
  }
  if (std::none_of(judgement.origins.begin(), judgement.origins.end(), [](char ok) { return ok; })) return judgement;

  std::map<const TextTerm*, std::shared_ptr<const VerdictCache::Verdicts>> verdicts;
  size_t text_leaves = 0;
  for (const auto& term : class_terms_) {
    term->ForEachLeaf([&](const Node& leaf) {
      if (!leaf.term) return;
      ++text_leaves;
      verdicts[leaf.term.get()] = cache_->Get(*leaf.term, dictionary);
    });
  }
  std::optional<std::string> words;
  model::Record empty, textless;
  textless.fields.emplace_back("", 0.0);  // without a text, a record with fields has none at all
  judgement.classes.reserve(header.classes.size());
  judgement.inside_slots.resize(header.classes.size());
  // The one term whose literal says which rows of a class come into question.
  const Node* lone =
      text_leaves == 1 && class_terms_.size() == 1 && class_terms_[0]->leaf() ? class_terms_[0].get() : nullptr;
  if (lone && lone->term && !lone->term->literal().empty()) judgement.term = lone->term.get();

  for (size_t number = 0; number < header.classes.size(); ++number) {
    const RowClass& row_class = header.classes[number];
    const auto& names = header.schemas[row_class.schema];
    auto judge = [&](const Node& leaf) -> Verdict {
      bool has_field = HasName(names, leaf.key.name);
      switch (leaf.key.kind) {
        case KeyKind::kTimestamp:
          if (leaf.kind != Kind::kTime) return Verdict::kMaybe;
          if (info.max_time < leaf.filter.since || info.min_time >= leaf.filter.until) return Verdict::kNo;
          return info.min_time >= leaf.filter.since && info.max_time < leaf.filter.until ? Verdict::kYes
                                                                                         : Verdict::kMaybe;
        case KeyKind::kStream: {
          model::Record asked;
          asked.stream = row_class.stream;
          return Of(leaf.matcher->Matches(asked));
        }
        case KeyKind::kLevel: {
          if (has_field) return Verdict::kMaybe;
          model::Record asked;
          asked.level = header.levels[row_class.level];
          return Of(leaf.matcher->Matches(asked));
        }
        case KeyKind::kStep:
          if (has_field) return Verdict::kMaybe;
          if (!row_class.has_step) return Of(leaf.matcher->Matches(empty));
          if (leaf.kind == Kind::kRange && (leaf.filter.low > header.max_step || leaf.filter.high < header.min_step)) {
            return Verdict::kNo;
          }
          return Verdict::kMaybe;
        case KeyKind::kField:
          return has_field ? Verdict::kMaybe : Of(leaf.matcher->Matches(empty));
        case KeyKind::kMessage: {
          if (row_class.form == Row::kEmptyText)
            return has_field ? Verdict::kMaybe : Of(leaf.matcher->Matches(names.empty() ? empty : textless));
          if (row_class.form == Row::kRawText) {
            if (!words) {
              auto bytes =
                  segment.ReadColumn(static_cast<size_t>(&info - segment.blocks().data()), header, kWordsColumn);
              words = bytes.ok() ? *bytes : std::string(32, '\xff');
            }
            return leaf.term->MayBeAmong(*words) ? Verdict::kMaybe : Verdict::kNo;
          }
          uint32_t id = row_class.form - Row::kFirstTemplate;
          const auto& known = *verdicts[leaf.term.get()];
          if (id >= known.size()) return Verdict::kMaybe;
          if (known[id].verdict == Verdict::kMaybe && !known[id].elsewhere && judgement.term) {
            judgement.inside_slots[number] = known[id].inside_slots;
          }
          return known[id].verdict;
        }
        default:
          return Verdict::kMaybe;
      }
    };
    Verdict verdict = residual.empty() ? Verdict::kYes : Verdict::kMaybe;
    for (const auto& term : class_terms_) verdict = std::min(verdict, term->Evaluate(judge));
    judgement.classes.push_back(verdict);
    judgement.any = judgement.any || verdict != Verdict::kNo;
  }
  return judgement;
}

std::optional<uint64_t> ScanFilter::CountByHeader(const Segment& segment, const BlockInfo& info,
                                                  const BlockHeader& header,
                                                  const std::shared_ptr<const TemplateDictionary>& dictionary) const {
  if (info.min_time < since_ || info.max_time >= until_) return std::nullopt;
  Judgement judgement = Judge(info, header, segment, dictionary);
  if (!judgement.any) return 0;
  if (!judgement.every_origin) return std::nullopt;
  uint64_t count = 0;
  for (size_t number = 0; number < header.classes.size(); ++number) {
    if (judgement.classes[number] == Verdict::kMaybe) return std::nullopt;
    if (judgement.classes[number] == Verdict::kYes) count += header.classes[number].rows;
  }
  return count;
}

std::vector<uint32_t> ScanFilter::Select(BlockReader* reader,
                                         const std::shared_ptr<const TemplateDictionary>& dictionary,
                                         base::Budget* budget) const {
  const BlockHeader& header = reader->header();
  const BlockInfo& info = reader->info();
  std::vector<uint32_t> rows;
  Judgement judgement = Judge(info, header, reader->segment(), dictionary);
  if (!judgement.any) return rows;
  bool all_classes = std::all_of(judgement.classes.begin(), judgement.classes.end(),
                                 [](Verdict verdict) { return verdict != Verdict::kNo; });
  const auto& classes = reader->classes();
  if (classes.empty()) return rows;
  bool in_time = info.min_time >= since_ && info.max_time < until_;
  const std::vector<base::TimeNs>* times = in_time ? nullptr : &reader->times();
  if (times && times->empty()) return rows;
  uint32_t begin = 0;
  for (const BlockHeader::Run& run : header.runs) {
    uint32_t first = begin, last = begin + run.rows;
    begin = last;
    if (!judgement.origins[run.origin]) continue;
    if (times) {
      auto from = times->begin() + first, to = times->begin() + last;
      last = static_cast<uint32_t>(std::lower_bound(from, to, until_) - times->begin());
      first = static_cast<uint32_t>(std::lower_bound(from, to, since_) - times->begin());
    }
    for (uint32_t row = first; row < last; ++row) {
      if (all_classes || judgement.classes[classes[row]] != Verdict::kNo) rows.push_back(row);
    }
  }
  if (rows.empty()) return rows;
  if (judgement.term && !KeepCandidates(reader, judgement, &rows)) {
    // A column that only narrows is damaged: every row is looked at.
    if (!reader->recoverable()) return {};
    reader->Forgive();
  }
  if (!Verify(reader, judgement, budget, &rows)) return {};
  return rows;
}

// Leaves rows out whose slots do not hold the literal.
bool ScanFilter::KeepCandidates(BlockReader* reader, const Judgement& judgement, std::vector<uint32_t>* rows) const {
  const BlockHeader& header = reader->header();
  const std::string& literal = judgement.term->literal();
  bool whole = judgement.term->whole_words();
  std::map<std::pair<uint32_t, size_t>, std::vector<char>> found;  // by pool and slot: for each place
  auto find_in = [&](uint32_t pool, size_t slot) -> const std::vector<char>* {
    auto [at, added] = found.try_emplace({pool, slot});
    if (!added) return &at->second;
    size_t count = header.pool_rows[pool];
    auto kind = static_cast<Slot>(header.pools[pool][slot]);
    bool id = (kind == Slot::kUuid && literal.size() == 36) ||
              (kind == Slot::kHexLower && whole && literal.size() >= kIdSize);
    uint32_t column = header.pool_columns[pool] + static_cast<uint32_t>(2 * slot);
    if (id) {
      auto filter = reader->Bytes(column + 1);
      if (!filter) return nullptr;
      if (!WordFilter::MayHoldId(*filter, literal)) return &at->second;
    }
    at->second.resize(count);
    if (kind == Slot::kUuid) {
      auto bytes = reader->Bytes(column);
      std::vector<uint32_t> places;
      if (!bytes || !FindInUuids(*bytes, count, literal, &places)) return nullptr;
      for (uint32_t place : places) at->second[place] = 1;
      return &at->second;
    }
    const SlotColumn* values = reader->SlotOf(pool, slot);
    if (!values) return nullptr;
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      text.clear();
      AppendVariable(values->values[i], &text);
      std::transform(text.begin(), text.end(), text.begin(), Lower);
      // Not ASCII: the folding is not this one.
      bool odd = std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
      at->second[i] = odd || text.find(literal) != std::string::npos;
    }
    return &at->second;
  };
  const auto& classes = reader->classes();
  bool any = std::any_of(judgement.inside_slots.begin(), judgement.inside_slots.end(),
                         [](uint64_t bits) { return bits != 0; });
  if (!any) return true;
  // First whether any slot holds it at all: most blocks end here without looking at single rows.
  std::vector<char> dead(header.classes.size());
  for (size_t number = 0; number < header.classes.size(); ++number) {
    uint64_t slots = judgement.inside_slots[number];
    if (slots == 0) continue;
    bool alive = false;
    for (size_t slot = 0; slots >> slot != 0; ++slot) {
      if (!(slots >> slot & 1)) continue;
      const auto* places = find_in(header.classes[number].pool, slot);
      if (!places) return false;
      alive = alive || std::find(places->begin(), places->end(), 1) != places->end();
    }
    dead[number] = !alive;
  }
  std::erase_if(*rows, [&](uint32_t row) { return dead[classes[row]]; });
  if (rows->empty()) return true;
  const auto& at = reader->pool_places();
  if (at.empty()) return false;
  std::erase_if(*rows, [&](uint32_t row) {
    uint64_t slots = judgement.inside_slots[classes[row]];
    if (slots == 0) return false;
    for (size_t slot = 0; slots >> slot != 0; ++slot) {
      if (!(slots >> slot & 1)) continue;
      const auto& places = found[{header.classes[classes[row]].pool, slot}];
      if (!places.empty() && places[at[row]]) return false;
    }
    return true;
  });
  return true;
}

bool ScanFilter::Verify(BlockReader* reader, const Judgement& judgement, base::Budget* budget,
                        std::vector<uint32_t>* rows) const {
  const auto& classes = reader->classes();
  model::Record record;
  size_t kept = 0;
  for (uint32_t row : *rows) {
    if (judgement.classes[classes[row]] == Verdict::kMaybe) {
      if (!reader->ReadRow(row, needs_text_, needs_fields_, &record)) {
        if (!reader->recoverable()) return false;
        ReportDamage(reader->status(), budget);
        reader->Forgive();
        continue;
      }
      if (!matcher_->Matches(record)) continue;
    }
    (*rows)[kept++] = row;
  }
  rows->resize(kept);
  return true;
}

}  // namespace rankscope::store
