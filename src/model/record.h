#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace rankscope::model {

enum class Stream : uint8_t { kStdout, kStderr, kMetric, kBatch, kEvent, kHost, kGpu, kStack };

std::string_view StreamName(Stream stream);
std::optional<Stream> ParseStream(std::string_view name);

// Who said it. Rank is a label: elastic restarts renumber.
struct Origin {
  std::string project = "default";
  std::string job;
  int32_t attempt = 0;
  std::optional<int32_t> node_rank;
  std::optional<int32_t> rank;
  std::optional<int32_t> local_rank;
  std::string host;

  bool operator==(const Origin&) const = default;
};

// A number (double, or an integer that a double may not hold) or text.
using FieldValue = std::variant<double, int64_t, std::string>;
using Fields = std::vector<std::pair<std::string, FieldValue>>;  // in the order printed, names unique

// One line, metric, event or sample of one rank. Plain data.
struct Record {
  Origin origin;
  Stream stream = Stream::kStdout;
  base::TimeNs time = 0;  // UTC, corrected by the agent's clock offset
  uint64_t seq = 0;       // dense per producer, from 1: the order in which the producer took it
  std::optional<int64_t> step;
  std::string level;  // "", or debug, info, warning, error, critical
  std::string text;   // without the newline; ANSI kept; may hold several lines
  Fields fields;

  bool operator==(const Record&) const = default;
};

// The value of the field, or null. Linear in the number of fields.
const FieldValue* FindField(const Fields& fields, std::string_view name);
// About what the record takes when encoded: never less than its texts.
size_t EncodedBytes(const Record& record);
std::optional<double> AsNumber(const FieldValue& value);

}  // namespace rankscope::model
