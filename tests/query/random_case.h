#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "model/record.h"

namespace rankscope {

using Json = nlohmann::ordered_json;
using Rows = std::vector<Json>;

// Of the records' own fields.
inline const std::vector<std::string> kFieldNames = {"loss", "x", "name", "eval/loss"};

// A query as its text and as what it means, written down a second time in the simplest way: which records, and what
// becomes of their JSON forms.
struct RandomQuery {
  std::string text;
  std::function<bool(const model::Record&)> holds;
  std::vector<std::function<Rows(Rows)>> pipes;
};

// Records and queries by seed: the same on every machine. Pipes are in random_pipes.cc.
class RandomCase {
 public:
  explicit RandomCase(uint64_t seed) : random_(seed) {}
  std::vector<model::Record> Records(size_t count);
  // Such as come by the hundred: of few origins and shapes, in the order of time, each with numbers of one sort.
  std::vector<model::Record> AlikeRecords(size_t count);
  RandomQuery Query();

 private:
  using Holds = std::function<bool(const model::Record&)>;
  struct Term {
    std::string text;
    Holds holds;
  };
  size_t Below(size_t bound) { return random_() % bound; }
  bool Chance(int percent) { return static_cast<int>(Below(100)) < percent; }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  model::Record OneRecord(size_t index);
  std::string Sentence();
  model::FieldValue Value();
  model::FieldValue Number(size_t sort);

  Term AnyTerm(int depth);
  Term TextTerm();
  Term NumberTerm();
  Term FieldTerm();
  Term RankTerm();
  Term TimeTerm();
  void AddPipes(RandomQuery* query);
  void AddStats(RandomQuery* query);
  void AddSort(RandomQuery* query);
  void AddFirst(RandomQuery* query);
  void AddFields(RandomQuery* query);
  void AddLimit(RandomQuery* query);

  std::mt19937_64 random_;
};

// The record's JSON form as JSON.
Json ToJson(const model::Record& record);

}  // namespace rankscope
