// Random records and random queries, by seed: the real store through the real executor must answer what a naive
// evaluation of the query's meaning does.
//
// usage: differential_test CASES [SEED]      a failure names the seed, the query and the first row that differs
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <tuple>

#include "query/query.h"
#include "query/run.h"
#include "random_case.h"
#include "sources.h"

namespace rankscope {
namespace {

constexpr size_t kRecords = 120, kAlikeRecords = 400;
constexpr size_t kQueriesOfAStore = 200;

// Sums of many numbers may differ in their last digits.
bool Same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number() && (a.is_number_float() || b.is_number_float())) {
    double x = a.get<double>(), y = b.get<double>();
    return x == y || std::abs(x - y) <= 1e-9 * std::max(std::abs(x), std::abs(y));
  }
  if (!a.is_object() || !b.is_object() || a.size() != b.size()) return a == b;
  return std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
    auto found = b.find(item.key());
    return found != b.end() && Same(item.value(), *found);
  });
}

Rows Expected(const std::vector<model::Record>& in_order, const RandomQuery& query) {
  Rows rows;
  for (const model::Record& record : in_order) {
    if (query.holds(record)) rows.push_back(ToJson(record));
  }
  for (const auto& pipe : query.pipes) rows = pipe(std::move(rows));
  return rows;
}

bool Answer(query::LogSource* source, const std::string& text, Rows* rows) {
  auto query = query::ParseQuery(text, 0);
  if (!query.ok()) return std::printf("%s\n", query.status().message().c_str()), false;
  base::Budget budget;
  base::Status status = query::RunQueryAsJson(source, *query, &budget, [&](std::string_view lines, size_t count) {
    for (; count > 0; --count) {
      std::string_view row = lines.substr(0, lines.find('\n'));
      rows->push_back(Json::parse(row));
      lines.remove_prefix(row.size() + 1);
    }
    return true;
  });
  if (!status.ok()) std::printf("%s\n", status.message().c_str());
  return status.ok();
}

bool Check(query::LogSource* source, const std::vector<model::Record>& records, const RandomQuery& query) {
  Rows want = Expected(records, query), got;
  bool answered = Answer(source, query.text, &got);
  size_t at = 0;
  while (at < want.size() && at < got.size() && Same(want[at], got[at])) ++at;
  if (answered && at == want.size() && at == got.size()) return true;
  std::printf("query: %s\n%zu rows wanted, %zu came; row %zu\n  want %s\n  got  %s\n", query.text.c_str(), want.size(),
              got.size(), at, at < want.size() ? want[at].dump().c_str() : "-",
              at < got.size() ? got[at].dump().c_str() : "-");
  return false;
}

bool Same(const model::Pattern& a, const model::Pattern& b) {
  auto all = [](const model::Pattern& p) {
    return std::tie(p.job, p.text, p.count, p.first_seen, p.last_seen, p.example);
  };
  return all(a) == all(b) &&
         std::equal(a.ranks.ranges.begin(), a.ranks.ranges.end(), b.ranks.ranges.begin(), b.ranks.ranges.end(),
                    [](const auto& x, const auto& y) { return x.first == y.first && x.last == y.last; });
}

// Patterns counted on classes of rows are those of the records, read one by one.
bool CheckPatterns(query::LogSource* source, const std::string& filter) {
  auto query = query::ParseQuery(filter, 0);
  if (!query.ok()) return std::printf("%s\n", query.status().message().c_str()), false;
  model::Scan scan;
  scan.filter = query->filter;
  base::Budget budget;
  auto got = source->Patterns(scan, &budget), want = source->query::LogSource::Patterns(scan, &budget);
  if (got.ok() && want.ok() &&
      std::equal(got->begin(), got->end(), want->begin(), want->end(),
                 [](const auto& a, const auto& b) { return Same(a, b); })) {
    return true;
  }
  std::printf("patterns of: %s\n", filter.c_str());
  for (size_t i = 0; got.ok() && want.ok() && i < std::min(got->size(), want->size()); ++i) {
    const model::Pattern &a = (*want)[i], &b = (*got)[i];
    if (Same(a, b)) continue;
    std::printf("  want %s: %s, %llu, first %lld, like %s\n  got  %s: %s, %llu, first %lld, like %s\n", a.job.c_str(),
                a.text.c_str(), static_cast<unsigned long long>(a.count), static_cast<long long>(a.first_seen),
                a.example.c_str(), b.job.c_str(), b.text.c_str(), static_cast<unsigned long long>(b.count),
                static_cast<long long>(b.first_seen), b.example.c_str());
    break;
  }
  return false;
}

// False at the first difference.
bool RunStore(uint64_t seed, size_t queries) {
  RandomCase random(seed);
  // Every third store has what blocks make rollups of.
  std::vector<model::Record> records = seed % 3 == 0 ? random.AlikeRecords(kAlikeRecords) : random.Records(kRecords);
  ScratchStore store(records);
  std::stable_sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  for (const char* filter : {"*", "level:error", "rank:0-2", "NOT stream:stdout", "the OR loss", "step:>3"}) {
    if (CheckPatterns(store.source(), filter)) continue;
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    return false;
  }
  for (size_t i = 0; i < queries; ++i) {
    if (Check(store.source(), records, random.Query())) continue;
    std::printf("seed %llu, query %zu\n", static_cast<unsigned long long>(seed), i);
    return false;
  }
  return true;
}

}  // namespace
}  // namespace rankscope

int main(int argc, char** argv) {
  size_t cases = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2000;
  uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  size_t done = 0;
  for (; done < cases; ++seed) {
    size_t queries = std::min(cases - done, rankscope::kQueriesOfAStore);
    if (!rankscope::RunStore(seed, queries)) return 1;
    done += queries;
  }
  std::printf("%zu cases, no difference\n", done);
  return 0;
}
