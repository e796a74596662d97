#include "diagnose/reading/batch_words.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace rankscope::diagnose {
namespace {

using Kind = PrintedSize::Kind;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

bool Has(std::string_view text, const re2::RE2& regex) { return re2::RE2::PartialMatch(Piece(text), regex); }

std::vector<std::string> ItemsOf(std::string_view list) {
  static const re2::RE2 kItem(R"re(["']?([\w./-]+)["']?)re");
  std::vector<std::string> items;
  re2::StringPiece rest = Piece(list);
  for (std::string item; re2::RE2::FindAndConsume(&rest, kItem, &item);) items.push_back(item);
  return items;
}

std::vector<double> NumbersIn(std::string_view shown) {
  static const re2::RE2 kNumber(R"((\d{1,12}))");
  std::vector<double> numbers;
  re2::StringPiece rest = Piece(shown);
  for (std::string digits; re2::RE2::FindAndConsume(&rest, kNumber, &digits);) {
    numbers.push_back(std::atof(digits.c_str()));
  }
  return numbers;
}

// Of tensors and devices, not of samples.
bool NamesSamples(std::string_view label, bool list) {
  static const re2::RE2 kNames(
      R"re((?i)(?:^|[^a-z])(?:ids|idxs?|indices|indexes|index|rows?|keys?|uids?|(?:sample|image|img|video|doc|document|record|example|item|row)[ _]?(?:id|no))$)re"),
      kOther(
          R"re((?i)(?:input|token|position|label|type|segment|device|gpu|rank|local|layer|block|expert|step|bucket|worker|param\w*|process|job|node|run|group|thread|stream|shard|chunk|epoch)[ _]?(?:ids?|idxs?|ind\w+)$)re"),
      kBatch(R"re((?i)batch[ _]?(?:ids?|idx|index)$)re"), kCount(R"re((?i)(?:rows|ids|keys|indices|indexes|uids)$)re");
  if (!Has(label, kNames) || Has(label, kOther)) return false;
  return list || (!Has(label, kBatch) && !Has(label, kCount));  // a batch's own number, and how many
}

std::optional<Kind> KindOf(std::string_view label, size_t numbers, bool is_tensor) {
  static const re2::RE2 kTotal(R"re((?i)(?:total|sum|num|batch)[ _]?(?:of[ _])?(?:tokens|len\w*)$)re"),
      kLengths(R"re((?i)(?:len|lens|lengths?|tokens)$)re"),
      kSamples(R"re((?i)(?:batch[ _-]?size|num[ _](?:samples|images|examples|sequences))$)re"),
      kShape(R"re((?i)(?:shape|size|dims?|resolution|input|image|pixel|batch|tensor|video|frames|features|labels))re");
  static const re2::RE2 kOfTheRun(
      R"re((?i)(?:consumed|seen|processed|trained|vocab|max|model|context|limit|cache|num examples))re");
  if (is_tensor) return Kind::kShape;
  if (numbers == 1 && Has(label, kOfTheRun)) return std::nullopt;
  if (numbers == 1 && Has(label, kTotal)) return Kind::kTotal;
  if (Has(label, kLengths)) return Kind::kLengths;
  if (numbers == 1) return Has(label, kSamples) ? std::optional(Kind::kSamples) : std::nullopt;
  return Has(label, kShape) ? std::optional(Kind::kShape) : std::nullopt;
}

std::string LastWords(const std::string& label) {
  static const re2::RE2 kLast(R"re(((?:[^ ]+ +){0,2}[^ ]+) *$)re");
  std::string words;
  return re2::RE2::PartialMatch(label, kLast, &words) ? words : label;
}

void TakeIds(const std::string& label, std::string_view value, BatchWords* words) {
  if (!words->ids.empty()) return;
  static const re2::RE2 kRow(R"((?i)rows?$)");
  words->id_label = Has(label, kRow) ? "rows" : "samples";
  words->ids = ItemsOf(value);
}

}  // namespace

double PrintedSize::amount() const {
  if (kind != Kind::kShape) return *std::max_element(numbers.begin(), numbers.end());
  double product = 1;
  for (double number : numbers) product *= number;
  return product;
}

BatchWords ReadBatchWords(std::string_view text) {
  // A label, and a list, a picture's size, or a word with a digit in it.
  static const re2::RE2 kLabelled(
      R"re(\b([A-Za-z][\w .'-]{0,40}?)["']?(?:\s*[=:]\s*|\s+)(torch\.Size\()?([\[(][\w"' .,/-]*\d[\w"' .,/-]*[\])]|\d{2,6} ?x ?\d{2,6}\b|["']?[\w./-]*\d[\w./-]*))re");
  static const re2::RE2 kNumbers(R"([\[(]?(?:\d{1,12}(?:, ?| ?x ?|))+[\])]?)");
  BatchWords words;
  re2::StringPiece rest = Piece(text);
  for (std::string label, tensor, shown; re2::RE2::FindAndConsume(&rest, kLabelled, &label, &tensor, &shown);) {
    const bool list = shown[0] == '[' || shown[0] == '(';
    if (tensor.empty() && NamesSamples(label, list)) {
      TakeIds(label, shown, &words);
    } else if (re2::RE2::FullMatch(shown, kNumbers)) {
      std::vector<double> numbers = NumbersIn(shown);
      auto kind = KindOf(label, numbers.size(), !tensor.empty());
      if (kind) words.sizes.push_back({*kind, LastWords(label), shown, std::move(numbers)});
    }
  }
  return words;
}

}  // namespace rankscope::diagnose
