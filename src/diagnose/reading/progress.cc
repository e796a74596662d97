#include "diagnose/reading/progress.h"

#include <re2/re2.h>

#include "diagnose/reading/json_metrics.h"
#include "model/record.h"
#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

bool Matches(std::string_view text, const re2::RE2& regex) {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), regex);
}

// Bars and counts that are no training.
bool IsOtherWork(std::string_view text) {
  static const re2::RE2 regex(
      R"((?i)^\W*(?:map\b|filter|flatten|load(?:ing)?\b|download|tokeniz|generating|running tokenizer|fetching|saving|resolving|extract|packing|process(?:ing|ed)|creating|converting|casting|dropping|preprocess|read(?:ing)?\b|setting num_proc|computing|caching|build|compil|captur|upload|shards?\b|grouping|concatenating|sort|pytorch_model|model\S*\.safetensors|\S+\.(?:json|bin|safetensors|parquet|model|txt|pt)\b))");
  return Matches(text, regex);
}

bool IsEvaluation(std::string_view text) {
  static const re2::RE2 regex(
      R"((?i)\beval_|\bvalidat|\bval[_/ ]|^\W*eval|\bperplexity on|验证|検証|validaci|测试损失)");
  return Matches(text, regex);
}

std::optional<double> Number(const model::Fields& fields, std::string_view name) {
  const model::FieldValue* value = model::FindField(fields, name);
  return value ? model::AsNumber(*value) : std::nullopt;
}

std::optional<double> First(const model::Fields& fields, std::string_view name, std::string_view other) {
  auto value = Number(fields, name);
  return value ? value : Number(fields, other);
}

std::optional<int64_t> StepOf(const model::Record& record) {
  constexpr double kLargest = 1e12;
  auto step = record.step ? std::nullopt : Number(record.fields, "step");
  return step && *step >= 0 && *step < kLargest ? std::optional(static_cast<int64_t>(*step)) : record.step;
}

Point PointOf(const model::Record& record) {
  Point point;
  const model::Fields& fields = record.fields;
  point.step = StepOf(record);
  if (auto total = Number(fields, "total_steps")) point.total_steps = static_cast<int64_t>(*total);
  point.loss = Number(fields, "loss");
  point.gradient_norm = Number(fields, "gradient_norm");
  point.loss_scale = Number(fields, "loss_scale");
  point.step_time_s = Number(fields, "step_time_s");
  point.data_time_s = Number(fields, "data_time_s");
  point.compute_time_s = Number(fields, "compute_time_s");
  point.throughput = First(fields, "throughput_tokens_per_sec", "throughput_tokens_per_sec_global");
  if (!point.throughput) point.throughput = Number(fields, "samples_per_sec");
  point.learning_rate = Number(fields, "learning_rate");
  point.gpu_memory_gib = Number(fields, "gpu_memory_gib");
  point.gpu_memory_usage = Number(fields, "gpu_memory_usage");
  return point;
}

// As torchvision's examples and many after them print it, the latest step's and in brackets the mean: "Time 0.15 (8.01)
// Data 0.01 (7.72)".
void ReadMeters(std::string_view text, Point* point) {
  static const re2::RE2 kTime(R"((?i)\b(?:batch )?time:? +(\d+\.\d+) *\( *\d+\.\d+\))"),
      kData(R"((?i)\bdata(?: time)?:? +(\d+\.\d+) *\( *\d+\.\d+\))");
  const re2::StringPiece piece(text.data(), text.size());
  double time = 0, data = 0;
  if (!re2::RE2::PartialMatch(piece, kData, &data) || !re2::RE2::PartialMatch(piece, kTime, &time)) return;
  point->step_time_s = time;
  point->data_time_s = data;
}

// A row of YOLO's table, whose names stand in another line: "0/2  1.86G  0.09  0.06  0.04  113  640: 100%". Its losses
// are of the box, of the object or the class and of the class or the shape, whatever the version.
void ReadTable(std::string_view text, Point* point) {
  static const re2::RE2 kRow(
      R"((?i)^\s*\d+/\d+\s+\d+(?:\.\d+)?G\s+(nan|inf|\d+\.?\d*)\s+(nan|inf|\d+\.?\d*)\s+(nan|inf|\d+\.?\d*)\s+(?:\d+\s+)+\d+: )");
  double losses[3] = {};
  const re2::StringPiece piece(text.data(), text.size());
  if (re2::RE2::PartialMatch(piece, kRow, &losses[0], &losses[1], &losses[2])) {
    point->loss = losses[0] + losses[1] + losses[2];
  }
}

// "损失: 2.5", "pérdida = nan".
void ReadForeignLoss(std::string_view text, Point* point) {
  static const re2::RE2 kLoss(
      R"((?i)(?:损失|損失|손실|p[ée]rdida|perda|perte|verlust|perdita|потери)[\s:：=]{1,4}(-?(?:nan|inf|\d+\.\d+)))");
  double loss = 0;
  if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kLoss, &loss)) point->loss = loss;
}

// A duration behind one of the names: "fwd 12ms", "compute_ms=12.1", "wait: 0.2s", "'forward_time': 0.2".
std::string DurationNamed(std::string_view names) {
  return R"re((?i)(?:^|[\s,|;({"'])(?:)re" + std::string(names) +
         R"re()(?:[_ ]time)?(?:[_ ](ms|s|sec|seconds))?["']?\s*[:=]?\s*(\d+\.\d+|\d+)\s*(ms|s|sec)?(?:[\s,|;)}]|$))re";
}

std::optional<double> Seconds(std::string_view text, const re2::RE2& named, bool needs_unit = false) {
  re2::StringPiece unit_before, unit_behind;
  double value = 0;
  const re2::StringPiece piece(text.data(), text.size());
  if (!re2::RE2::PartialMatch(piece, named, &unit_before, &value, &unit_behind)) return std::nullopt;
  if (needs_unit && unit_before.empty() && unit_behind.empty()) return std::nullopt;
  return unit_before == "ms" || unit_behind == "ms" ? value / 1000 : value;
}

// What the rank did by itself in the step, by whatever name, or what is left of the step when its wait is taken off.
void ReadOwnWork(std::string_view text, Point* point) {
  static const re2::RE2 kOwn(DurationNamed(
      R"(compute|forward|fwd|(?:forward|fwd)[_+-]?(?:backward|bwd)|work|busy|(?:local|own)(?:[_ ](?:step|compute|work))?[_ ]time)")),
      kWait(DurationNamed("wait|waited|sync|comm|all_?reduce|barrier")),
      kForData(R"((?i)\b(?:data|io|load\w*)[ _]+wait)");
  const std::optional<double> step = point->step_time_s;
  auto own = Seconds(text, kOwn, /*needs_unit=*/!step);  // "busy 95 %" is no duration
  if (own && *own <= step.value_or(*own)) point->compute_time_s = own;
  if (point->compute_time_s || !step || Matches(text, kForData)) return;
  auto waited = Seconds(text, kWait);
  if (waited && *waited <= *step) point->compute_time_s = *step - *waited;
}

// A loss in a line that no reader of metrics knows: the training goes on, whatever else the line says. Settings ("loss
// weight: 1.0") have no such figures.
bool SaysLoss(std::string_view text) {
  static const re2::RE2 regex(
      R"((?:^|[\s,|'"(\[{])(?:train[/_ ])?(?:[Ll]oss|[Tt]otal[_ ][Ll]oss|CrossEntropyLoss|loss/train/total)(?:['"]?\s?[=:]| is)\s?\d+\.\d{2})");
  return Matches(text, regex);
}

bool IsTraining(const Point& point) {
  return point.loss || point.gradient_norm || point.step || point.step_time_s || point.throughput;
}

}  // namespace

std::vector<Point> FindProgress(const Case& read, const std::vector<LineBody>& bodies) {
  std::vector<Point> points;
  model::Record record;
  for (size_t i = 0; i < read.lines.size(); ++i) {
    std::string_view text = bodies[i].text;
    if (text.size() < 5 || text.starts_with("File \"") || IsOtherWork(text)) continue;
    record.text.assign(read.lines[i].text);
    record.fields.clear();
    record.step.reset();
    if (!ReadJsonMetrics(text, &record.fields)) parse::UnderstandLine(&record);
    Point point = PointOf(record);
    if (!point.data_time_s) ReadMeters(text, &point);
    if (!point.loss) ReadTable(text, &point);
    if (!point.loss) ReadForeignLoss(text, &point);
    if (!IsTraining(point) && !SaysLoss(text)) continue;
    if (!point.compute_time_s) ReadOwnWork(text, &point);
    point.line = i;
    point.rank = read.lines[i].rank ? read.lines[i].rank : bodies[i].rank;
    point.evaluation = IsEvaluation(text);
    points.push_back(point);
  }
  return points;
}

bool SaysFinished(std::string_view text) {
  static const re2::RE2 regex(
      R"((?i)train_runtime|training (?:is |was |has been )?(?:completed?|finished|done|over)\b|finished training|(?:finetuning|fine-tuning|job|run|epoch \d+/\d+) (?:completed|finished) successfully|.Trainer\.fit. stopped: .max_|successfully (?:finished|completed)|\[after training is done\]|exiting program at iteration|saved (?:the )?final|^(?:all )?done[.!]*$|Run summary|completed successfully)");
  return Matches(text, regex);
}

}  // namespace rankscope::diagnose
