#include "diagnose/reading/batch_records.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "diagnose/reading/sample_records.h"
#include "diagnose/verdict/figures.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

// Lists travel as their JSON text.
Json ListIn(const Json& record, const char* key) {
  auto found = record.find(key);
  if (found == record.end()) return {};
  if (!found->is_string()) return *found;
  return Json::parse(found->get<std::string>(), nullptr, /*allow_exceptions=*/false);
}

// Calls `take` with each innermost list of numbers.
void EachShape(const Json& json, const std::function<void(const Json& shape)>& take) {
  if (!json.is_array() && !json.is_object()) return;
  bool numbers = json.is_array() && !json.empty() &&
                 std::all_of(json.begin(), json.end(), [](const Json& part) { return part.is_number(); });
  if (numbers) return take(json);
  for (const auto& [key, inner] : json.items()) EachShape(inner, take);
}

std::string ShownShape(const Json& shape) {
  std::string text;
  for (const Json& part : shape) text += (text.empty() ? "[" : ", ") + part.dump();
  return text + "]";
}

void TakeShapes(const Json& shapes, BatchRecord* batch) {
  EachShape(shapes, [&](const Json& shape) {
    double elements = 1;
    for (const Json& part : shape) elements *= part.get<double>();
    batch->total += elements;
    if (elements <= batch->largest) return;
    batch->largest = elements;
    batch->shape = ShownShape(shape);
  });
}

void TakeLengths(const Json& lengths, BatchRecord* batch) {
  EachShape(lengths, [&](const Json& list) {
    for (const Json& length : list) batch->lengths.push_back(length.get<double>());
  });
  if (!batch->lengths.empty()) batch->total = std::accumulate(batch->lengths.begin(), batch->lengths.end(), 0.0);
}

void TakeIds(const Json& ids, BatchRecord* batch) {
  if (!ids.is_array()) return;
  for (const Json& id : ids) batch->ids.push_back(id.is_string() ? id.get<std::string>() : id.dump());
}

double LongestOf(const BatchRecord& batch) {
  return batch.lengths.empty() ? 0 : *std::max_element(batch.lengths.begin(), batch.lengths.end());
}

double SamplesOf(const BatchRecord& batch) {
  return static_cast<double>(std::max(batch.ids.size(), batch.lengths.size()));
}

// Of `batch`, how many times the median of the others that tell it.
std::optional<double> TimesUsual(const std::vector<BatchRecord>& others, const BatchRecord& batch,
                                 const std::function<double(const BatchRecord&)>& of) {
  constexpr size_t kFewest = 3;
  std::vector<double> values;
  for (const BatchRecord& other : others) {
    if (of(other) > 0) values.push_back(of(other));
  }
  if (values.size() < kFewest || of(batch) <= 0) return std::nullopt;
  return of(batch) / MedianOf(std::move(values));
}

}  // namespace

std::vector<BatchRecord> FindBatches(const Reading& reading) {
  std::vector<BatchRecord> batches;
  EachSample(*reading.read, "stream", [&](const Json& record, size_t line) {
    if (LabelIn(record, "stream") != "batch") return;
    BatchRecord batch;
    batch.line = line;
    batch.rank = reading.ranks[line];
    if (auto step = NumberIn(record, "step")) batch.step = static_cast<int64_t>(*step);
    TakeIds(ListIn(record, "ids"), &batch);
    TakeShapes(ListIn(record, "shapes"), &batch);
    TakeLengths(ListIn(record, "lengths"), &batch);
    batches.push_back(std::move(batch));
  });
  return batches;
}

std::optional<BatchInFlight> FindBatchInFlight(const Reading& reading, size_t line, std::optional<int32_t> rank) {
  std::vector<BatchRecord> before = FindBatches(reading);
  std::erase_if(before,
                [&](const BatchRecord& batch) { return reading.positions[batch.line] > reading.positions[line]; });
  auto last = std::find_if(before.rbegin(), before.rend(),
                           [&](const BatchRecord& batch) { return !rank || !batch.rank || batch.rank == rank; });
  if (last == before.rend()) return std::nullopt;
  BatchInFlight found{std::move(*last), {}, {}, {}, {}};
  before.erase(std::next(last).base());
  found.largest = TimesUsual(before, found.batch, [](const BatchRecord& batch) { return batch.largest; });
  found.longest = TimesUsual(before, found.batch, LongestOf);
  found.total = TimesUsual(before, found.batch, [](const BatchRecord& batch) { return batch.total; });
  found.samples = TimesUsual(before, found.batch, SamplesOf);
  return found;
}

}  // namespace rankscope::diagnose
