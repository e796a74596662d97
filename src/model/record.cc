#include "model/record.h"

#include <array>

namespace rankscope::model {
namespace {

constexpr std::array<std::string_view, 8> kStreamNames = {"stdout", "stderr", "metric", "batch",
                                                          "event",  "host",   "gpu",    "stack"};

}  // namespace

std::string_view StreamName(Stream stream) { return kStreamNames.at(static_cast<size_t>(stream)); }

std::optional<Stream> ParseStream(std::string_view name) {
  for (size_t i = 0; i < kStreamNames.size(); ++i) {
    if (kStreamNames[i] == name) return static_cast<Stream>(i);
  }
  return std::nullopt;
}

const FieldValue* FindField(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<double> AsNumber(const FieldValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* integer = std::get_if<int64_t>(&value)) return static_cast<double>(*integer);
  return std::nullopt;
}

size_t EncodedBytes(const Record& record) {
  size_t bytes = 64 + record.text.size();
  for (const auto& [name, value] : record.fields) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += 16 + name.size() + (text ? text->size() : 0);
  }
  return bytes;
}

}  // namespace rankscope::model
