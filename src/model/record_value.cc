#include "model/record_value.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

namespace rankscope::model {
namespace {

using Kind = RecordKey::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 13> kKeys = {{{"timestamp", Kind::kTimestamp},
                                                                      {"project", Kind::kProject},
                                                                      {"job_id", Kind::kJob},
                                                                      {"attempt", Kind::kAttempt},
                                                                      {"node_rank", Kind::kNodeRank},
                                                                      {"rank", Kind::kRank},
                                                                      {"local_rank", Kind::kLocalRank},
                                                                      {"host", Kind::kHost},
                                                                      {"stream", Kind::kStream},
                                                                      {"seq", Kind::kSeq},
                                                                      {"step", Kind::kStep},
                                                                      {"level", Kind::kLevel},
                                                                      {"msg", Kind::kMessage}}};

ValueView FieldOf(const Record& record, const std::string& name) {
  const FieldValue* value = FindField(record.fields, name);
  if (!value) return {};
  if (const auto* integer = std::get_if<int64_t>(value)) return *integer;
  if (const auto* number = std::get_if<double>(value)) return *number;
  return std::string_view(std::get<std::string>(*value));
}

template <typename T>
ValueView Or(const std::optional<T>& value, const Record& record, const RecordKey& key) {
  return value ? ValueView(static_cast<int64_t>(*value)) : FieldOf(record, key.name);
}

ValueView Or(const std::string& value, const Record& record, const RecordKey& key) {
  return value.empty() ? FieldOf(record, key.name) : ValueView(std::string_view(value));
}

bool SameLetters(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

std::optional<double> Special(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (SameLetters(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (!SameLetters(text, "inf") && !SameLetters(text, "infinity")) return std::nullopt;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return negative ? -kInfinity : kInfinity;
}

}  // namespace

RecordKey RecordKey::Of(std::string_view name) {
  for (const auto& [known, kind] : kKeys) {
    if (known == name) return {kind, std::string(name)};
  }
  return {Kind::kField, std::string(name)};
}

ValueView ValueOf(const Record& record, const RecordKey& key) {
  const Origin& origin = record.origin;
  switch (key.kind) {
    case Kind::kTimestamp:
      return Time{record.time};
    case Kind::kProject:
      return std::string_view(origin.project);
    case Kind::kJob:
      return origin.job.empty() ? ValueView() : std::string_view(origin.job);
    case Kind::kAttempt:
      return int64_t{origin.attempt};
    case Kind::kNodeRank:
      return Or(origin.node_rank, record, key);
    case Kind::kRank:
      return Or(origin.rank, record, key);
    case Kind::kLocalRank:
      return Or(origin.local_rank, record, key);
    case Kind::kHost:
      return Or(origin.host, record, key);
    case Kind::kStream:
      return StreamName(record.stream);
    case Kind::kSeq:
      return static_cast<int64_t>(record.seq);
    case Kind::kStep:
      return Or(record.step, record, key);
    case Kind::kLevel:
      return Or(record.level, record, key);
    case Kind::kMessage:
      if (record.text.empty() && !record.fields.empty()) return FieldOf(record, key.name);
      return std::string_view(record.text);
    case Kind::kField:
      return FieldOf(record, key.name);
  }
  return {};
}

Cell ToCell(const ValueView& value) {
  return std::visit(
      [](const auto& v) -> Cell {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string_view>) {
          return std::string(v);
        } else {
          return v;
        }
      },
      value);
}

std::optional<std::variant<int64_t, double>> ParseNumber(std::string_view text) {
  if (auto special = Special(text)) return *special;
  size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  bool number_like = text.size() > sign && (text[sign] == '.' || (text[sign] >= '0' && text[sign] <= '9'));
  if (!number_like) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  auto parsed = std::from_chars(text.data(), end, integer);
  if (parsed.ec == std::errc() && parsed.ptr == end) return integer;
  double number = 0;
  parsed = std::from_chars(text.data(), end, number);
  if (parsed.ptr != end || parsed.ec == std::errc::invalid_argument) return std::nullopt;
  // 1e999 is infinite and 1e-999 zero, as other readers of numbers have it.
  if (parsed.ec == std::errc::result_out_of_range) number = std::strtod(std::string(text).c_str(), nullptr);
  return number;
}

std::optional<long double> WideNumber(const ValueView& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<long double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return static_cast<long double>(*number);
  return std::nullopt;
}

std::optional<long double> ParseWideNumber(std::string_view text) {
  auto number = ParseNumber(text);
  if (!number) return std::nullopt;
  return std::visit([](auto n) { return static_cast<long double>(n); }, *number);
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace rankscope::model
