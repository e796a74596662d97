#include "model/filter.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/ansi.h"
#include "model/record_json.h"
#include "model/record_value.h"
#include "model/regex.h"
#include "model/words.h"

namespace rankscope::model {
namespace {

using Kind = Filter::Kind;

std::string FoldedText(std::string_view text) {
  std::string folded;
  AppendFolded(text, &folded);
  return folded;
}

// A number is in the set as an integer that a rank can be.
bool InSet(const NumberSet& set, const ValueView& value) {
  auto number = WideNumber(value);
  if (!number || *number != std::floor(*number) || std::abs(*number) > INT32_MAX) return false;
  return set.Contains(static_cast<int32_t>(*number));
}

bool InRange(const Filter& filter, const ValueView& value) {
  auto number = WideNumber(value);
  if (!number || std::isnan(*number)) return false;
  bool above = filter.low_open ? *number > filter.low : *number >= filter.low;
  bool below = filter.high_open ? *number < filter.high : *number <= filter.high;
  return above && below;
}

// What a reader sees of the value: without colours, numbers and times as JSON shows them.
std::string_view ShownText(const ValueView& value, std::string* buffer) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    if (text->find('\x1b') == std::string_view::npos) return *text;
    *buffer = StripAnsi(*text);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    *buffer = std::to_string(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    *buffer = NumberText(*number);
  } else {
    *buffer = FormatTime(std::get<Time>(value).ns);
  }
  return *buffer;
}

// The message of one record in the two forms that terms ask for, each made at most once.
class Message {
 public:
  void Reset() { has_shown_ = has_folded_ = false; }
  std::string_view Shown(const ValueView& value) {
    if (!std::exchange(has_shown_, true)) shown_ = ShownText(value, &buffer_);
    return shown_;
  }
  std::string_view Folded(const ValueView& value) {
    if (!std::exchange(has_folded_, true)) {
      folded_.clear();
      AppendFolded(Shown(value), &folded_);
    }
    return folded_;
  }

 private:
  bool has_shown_ = false, has_folded_ = false;
  std::string buffer_, folded_;
  std::string_view shown_;
};

}  // namespace

Filter Filter::And(std::vector<Filter> children) {
  Filter filter;
  filter.kind = Kind::kAnd;
  filter.children = std::move(children);
  return filter;
}

Filter Filter::Or(std::vector<Filter> children) {
  Filter filter = And(std::move(children));
  filter.kind = Kind::kOr;
  return filter;
}

Filter Filter::Not(Filter child) {
  Filter filter;
  filter.kind = Kind::kNot;
  filter.children.push_back(std::move(child));
  return filter;
}

Filter Filter::Text(Kind kind, std::string name, std::string text, bool case_sensitive) {
  Filter filter;
  filter.kind = kind;
  filter.name = std::move(name);
  filter.text = std::move(text);
  filter.case_sensitive = case_sensitive;
  return filter;
}

Filter Filter::Range(std::string name, long double low, long double high) {
  Filter filter;
  filter.kind = Kind::kRange;
  filter.name = std::move(name);
  filter.low = low;
  filter.high = high;
  return filter;
}

Filter Filter::Set(std::string name, NumberSet numbers) {
  Filter filter;
  filter.kind = Kind::kSet;
  filter.name = std::move(name);
  filter.numbers = std::move(numbers);
  return filter;
}

Filter Filter::Time(base::TimeNs since, base::TimeNs until) {
  Filter filter;
  filter.kind = Kind::kTime;
  filter.since = since;
  filter.until = until;
  return filter;
}

Filter Filter::Exists(std::string name) {
  Filter filter;
  filter.kind = Kind::kExists;
  filter.name = std::move(name);
  return filter;
}

class Matcher::Node {
 public:
  static base::Result<std::unique_ptr<Node>> Make(const Filter& filter) {
    auto node = std::make_unique<Node>();
    RETURN_IF_ERROR(node->Init(filter));
    return node;
  }

  bool Matches(const Record& record) {
    message_.Reset();
    return Holds(record, &message_);
  }

 private:
  base::Status Init(const Filter& filter) {
    term_ = filter;
    term_.children.clear();
    key_ = RecordKey::Of(filter.name);
    wanted_ = filter.case_sensitive ? filter.text : FoldedText(filter.text);
    if (filter.kind == Kind::kEquals) number_ = ParseWideNumber(filter.text);
    if (filter.kind == Kind::kRegex) {
      ASSIGN_OR_RETURN(regex_, CompileRegex(filter.text, filter.case_sensitive));
    }
    for (const Filter& child : filter.children) {
      ASSIGN_OR_RETURN(auto node, Make(child));
      children_.push_back(std::move(node));
    }
    return {};
  }

  bool Holds(const Record& record, Message* message) const {
    auto holds = [&](const std::unique_ptr<Node>& child) { return child->Holds(record, message); };
    switch (term_.kind) {
      case Kind::kAll:
        return true;
      case Kind::kAnd:
        return std::all_of(children_.begin(), children_.end(), holds);
      case Kind::kOr:
        return std::any_of(children_.begin(), children_.end(), holds);
      case Kind::kNot:
        return !holds(children_.front());
      case Kind::kTime:
        return term_.since <= record.time && record.time < term_.until;
      default:
        return ValueHolds(ValueOf(record, key_), message);
    }
  }

  bool ValueHolds(const ValueView& value, Message* message) const {
    if (std::holds_alternative<std::monostate>(value)) return false;
    switch (term_.kind) {
      case Kind::kExists:
        return true;
      case Kind::kRange:
        return InRange(term_, value);
      case Kind::kSet:
        return InSet(term_.numbers, value);
      case Kind::kEquals:
        return Equals(value, message);
      default:
        return TextHolds(Text(value, message));
    }
  }

  bool Equals(const ValueView& value, Message* message) const {
    auto number = WideNumber(value);
    if (!number) return Text(value, message) == wanted_;
    return number_ && (*number == *number_ || (std::isnan(*number) && std::isnan(*number_)));
  }

  bool TextHolds(std::string_view text) const {
    if (term_.kind == Kind::kPhrase) return HasPhrase(text, wanted_);
    if (term_.kind == Kind::kSubstring) return text.find(wanted_) != std::string_view::npos;
    return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *regex_);
  }

  // Folded unless the term tells cases apart; regexes fold on their own.
  std::string_view Text(const ValueView& value, Message* message) const {
    bool fold = !term_.case_sensitive && term_.kind != Kind::kRegex;
    if (key_.kind == RecordKey::Kind::kMessage) return fold ? message->Folded(value) : message->Shown(value);
    std::string_view shown = ShownText(value, &buffer_);
    if (!fold) return shown;
    folded_.clear();
    AppendFolded(shown, &folded_);
    return folded_;
  }

  Filter term_;  // without its children
  RecordKey key_;
  std::string wanted_;  // folded unless cases are told apart
  std::optional<long double> number_;
  std::shared_ptr<const re2::RE2> regex_;
  std::vector<std::unique_ptr<Node>> children_;
  Message message_;                      // of the root
  mutable std::string buffer_, folded_;  // of one evaluation
};

base::Result<Matcher> Matcher::Compile(const Filter& filter) {
  ASSIGN_OR_RETURN(auto root, Node::Make(filter));
  return Matcher(std::move(root));
}

Matcher::Matcher(std::unique_ptr<Node> root) : root_(std::move(root)) {}
Matcher::Matcher(Matcher&&) noexcept = default;
Matcher& Matcher::operator=(Matcher&&) noexcept = default;
Matcher::~Matcher() = default;

bool Matcher::Matches(const Record& record) const { return root_->Matches(record); }

}  // namespace rankscope::model
