#include "query/field_list.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "model/record_value.h"
#include "query/row.h"

namespace rankscope::query {
namespace {

constexpr size_t kMostShown = 10;
constexpr size_t kLongestValue = 200;
constexpr size_t kValueBytes = 96;

class FieldCounter {
 public:
  explicit FieldCounter(base::Budget* budget) : budget_(budget) {}

  void Take(const model::Record& record) {
    for (const char* key :
         {"job_id", "attempt", "node_rank", "rank", "local_rank", "host", "stream", "step", "level", "msg"}) {
      Add(key, model::ValueOf(record, model::RecordKey::Of(key)));
    }
    for (const auto& [name, value] : record.fields) {
      auto key = model::RecordKey::Of(name);
      if (key.kind == model::RecordKey::Kind::kField) Add(name, model::ValueOf(record, key));
    }
  }

  std::vector<FieldSummary> Finish() {
    std::vector<FieldSummary> fields;
    for (auto& [name, field] : fields_) {
      field.summary.distinct = field.values.size();
      if (field.values.size() < kMostDistinct) field.summary.top = Top(field.values);
      fields.push_back(std::move(field.summary));
    }
    std::sort(fields.begin(), fields.end(),
              [](const auto& a, const auto& b) { return a.count != b.count ? a.count > b.count : a.name < b.name; });
    return fields;
  }

 private:
  using Values = std::unordered_map<std::string, uint64_t>;
  struct Field {
    FieldSummary summary;
    Values values;  // kMostDistinct of them: too many to show
  };

  void Add(const std::string& name, const model::ValueView& value) {
    if (std::holds_alternative<std::monostate>(value)) return;
    Field& field = fields_[name];
    field.summary.name = name;
    ++field.summary.count;
    if (auto number = model::WideNumber(value)) {
      ++field.summary.numbers;
      double n = static_cast<double>(*number);
      if (!std::isnan(n)) {
        field.summary.min = std::min(field.summary.min.value_or(n), n);
        field.summary.max = std::max(field.summary.max.value_or(n), n);
      }
    }
    const auto* text = std::get_if<std::string_view>(&value);
    bool long_text = text && text->size() > kLongestValue;
    if (name == "msg" || long_text) return;
    std::string json;
    AppendJson(model::ToCell(value), &json);
    auto found = field.values.find(json);
    if (found != field.values.end()) {
      ++found->second;
    } else if (field.values.size() < kMostDistinct) {
      budget_->Take(json.size() + kValueBytes);
      field.values.emplace(std::move(json), 1);
    }
  }

  static std::vector<std::pair<std::string, uint64_t>> Top(const Values& values) {
    std::vector<std::pair<std::string, uint64_t>> top(values.begin(), values.end());
    std::sort(top.begin(), top.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (top.size() > kMostShown) top.resize(kMostShown);
    return top;
  }

  base::Budget* budget_;
  std::unordered_map<std::string, Field> fields_;
};

}  // namespace

base::Result<FieldList> ListFields(LogSource* source, model::Scan scan, uint64_t sample, base::Budget* budget) {
  FieldList list;
  FieldCounter counter(budget);
  scan.newest_first = true;
  scan.limit = sample;
  RETURN_IF_ERROR(source->Read(scan, budget, [&](const model::Record& record) {
    ++list.records;
    counter.Take(record);
    return true;
  }));
  list.fields = counter.Finish();
  return list;
}

}  // namespace rankscope::query
