#include "detect/finding.h"

#include <xxhash.h>

#include <array>
#include <cinttypes>
#include <cstdio>

#include "model/record_json.h"

namespace rankscope::detect {
namespace {

constexpr std::array<std::string_view, 3> kSeverities = {"INFO", "WARNING", "CRITICAL"};

std::string OptionalText(const std::optional<int32_t>& number) { return number ? std::to_string(*number) : "-"; }

// Writes the members of one object.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string* out) : out_(out) { out_->push_back('{'); }
  ~ObjectWriter() { out_->push_back('}'); }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  std::string* Key(std::string_view name) {
    if (out_->back() != '{') out_->push_back(',');
    model::AppendJsonString(name, out_);
    out_->push_back(':');
    return out_;
  }
  void Text(std::string_view name, std::string_view value) { model::AppendJsonString(value, Key(name)); }
  void Raw(std::string_view name, std::string_view json) { Key(name)->append(json); }
  template <typename Number>
  void Integer(std::string_view name, const std::optional<Number>& value) {
    Raw(name, value ? std::to_string(*value) : "null");
  }
  void Number(std::string_view name, const std::optional<double>& value) {
    if (value) {
      model::AppendJsonNumber(*value, Key(name));
    } else {
      Raw(name, "null");
    }
  }

 private:
  std::string* out_;
};

void AppendCauses(const std::vector<Cause>& causes, std::string* out) {
  out->push_back('[');
  for (const Cause& cause : causes) {
    if (&cause != &causes.front()) out->push_back(',');
    ObjectWriter object(out);
    object.Text("cause", cause.cause);
    object.Number("probability", cause.probability);
    object.Text("why", cause.why);
  }
  out->push_back(']');
}

void AppendRecords(const std::vector<model::Record>& records, std::string* out) {
  out->push_back('[');
  for (const model::Record& record : records) {
    if (&record != &records.front()) out->push_back(',');
    model::AppendJson(record, out);
  }
  out->push_back(']');
}

}  // namespace

std::string_view SeverityName(Severity severity) { return kSeverities[static_cast<size_t>(severity)]; }

std::optional<Severity> ParseSeverity(std::string_view name) {
  std::string upper;
  for (char c : name) upper.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  for (size_t i = 0; i < kSeverities.size(); ++i) {
    if (kSeverities[i] == upper) return static_cast<Severity>(i);
  }
  return std::nullopt;
}

std::string FindingId(const Finding& finding) {
  std::string key = finding.job + '\n' + std::to_string(finding.attempt) + '\n' + finding.rule + '\n' +
                    OptionalText(finding.scope.node_rank) + '\n' + OptionalText(finding.scope.rank) + '\n' +
                    (finding.step ? std::to_string(*finding.step) : "-") + '\n' + std::to_string(finding.time);
  char text[32];
  std::snprintf(text, sizeof text, "f-%016" PRIx64, static_cast<uint64_t>(XXH3_64bits(key.data(), key.size())));
  return text;
}

void AppendJson(const Finding& finding, std::string* out) {
  ObjectWriter object(out);
  object.Text("id", finding.id);
  object.Text("incident_id", finding.incident.empty() ? finding.id : finding.incident);
  object.Text("rule", finding.rule);
  object.Text("class", finding.finding_class);
  if (!finding.role.empty()) object.Text("role", finding.role);
  AppendCauses(finding.likely, object.Key("likely"));
  object.Raw("active", finding.active ? "true" : "false");
  object.Text("severity", SeverityName(finding.severity));
  object.Text("action", finding.action);
  object.Text("job_id", finding.job);
  object.Raw("attempt", std::to_string(finding.attempt));
  object.Integer("node_rank", finding.scope.node_rank);
  object.Integer("rank", finding.scope.rank);
  object.Integer("step", finding.step);
  object.Text("timestamp", model::FormatTime(finding.time));
  object.Text("state", "potential");
  object.Number("value", finding.value);
  object.Number("threshold", finding.threshold);
  AppendRecords(finding.evidence, object.Key("evidence"));
  object.Text("message", finding.message);
}

}  // namespace rankscope::detect
