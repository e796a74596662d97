#include "model/record_batch.h"

#include <limits>

#include "base/coding.h"

namespace rankscope::model {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kHasStep = 1;
constexpr uint8_t kHasLevel = 2;
constexpr uint8_t kHasFields = 4;

void PutOptional(std::string* out, const std::optional<int32_t>& value) {
  base::PutSigned(out, value ? int64_t{*value} : std::numeric_limits<int32_t>::min());
}

std::optional<int32_t> ReadOptional(base::ByteReader* in) {
  int64_t value = in->Signed();
  if (value == std::numeric_limits<int32_t>::min()) return std::nullopt;
  return static_cast<int32_t>(value);
}

void PutOrigin(std::string* out, const Origin& origin) {
  base::PutString(out, origin.project);
  base::PutString(out, origin.job);
  base::PutSigned(out, origin.attempt);
  PutOptional(out, origin.node_rank);
  PutOptional(out, origin.rank);
  PutOptional(out, origin.local_rank);
  base::PutString(out, origin.host);
}

Origin ReadOrigin(base::ByteReader* in) {
  Origin origin;
  origin.project = in->String();
  origin.job = in->String();
  origin.attempt = static_cast<int32_t>(in->Signed());
  origin.node_rank = ReadOptional(in);
  origin.rank = ReadOptional(in);
  origin.local_rank = ReadOptional(in);
  origin.host = in->String();
  return origin;
}

void PutFields(std::string* out, const Fields& fields) {
  base::PutVarint(out, fields.size());
  for (const auto& [name, value] : fields) {
    base::PutString(out, name);
    out->push_back(static_cast<char>(value.index()));
    if (const auto* number = std::get_if<double>(&value)) {
      base::PutDouble(out, *number);
    } else if (const auto* integer = std::get_if<int64_t>(&value)) {
      base::PutSigned(out, *integer);
    } else {
      base::PutString(out, std::get<std::string>(value));
    }
  }
}

Fields ReadFields(base::ByteReader* in) {
  Fields fields;
  for (uint64_t count = in->Varint(); count > 0 && in->ok(); --count) {
    std::string name(in->String());
    switch (in->Byte()) {
      case 0:
        fields.emplace_back(std::move(name), in->Double());
        break;
      case 1:
        fields.emplace_back(std::move(name), in->Signed());
        break;
      case 2:
        fields.emplace_back(std::move(name), std::string(in->String()));
        break;
      default:
        in->Fail();
    }
  }
  return fields;
}

// The records' distinct origins in order of first use, and each record's index into them.
std::pair<std::vector<const Origin*>, std::vector<size_t>> CollectOrigins(const std::vector<Record>& records) {
  std::vector<const Origin*> origins;
  std::vector<size_t> index;
  for (const Record& record : records) {
    size_t at = index.empty() ? 0 : index.back();
    if (origins.empty() || !(*origins[at] == record.origin)) {
      for (at = 0; at < origins.size() && !(*origins[at] == record.origin); ++at) {
      }
      if (at == origins.size()) origins.push_back(&record.origin);
    }
    index.push_back(at);
  }
  return {std::move(origins), std::move(index)};
}

}  // namespace

void EncodeRecords(const std::vector<Record>& records, std::string* out) {
  auto [origins, index] = CollectOrigins(records);
  out->push_back(static_cast<char>(kVersion));
  base::PutVarint(out, origins.size());
  for (const Origin* origin : origins) PutOrigin(out, *origin);
  base::PutVarint(out, records.size());
  base::TimeNs time = 0;
  uint64_t seq = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    base::PutVarint(out, index[i]);
    out->push_back(static_cast<char>(record.stream));
    auto flags = static_cast<uint8_t>((record.step ? kHasStep : 0) | (record.level.empty() ? 0 : kHasLevel) |
                                      (record.fields.empty() ? 0 : kHasFields));
    out->push_back(static_cast<char>(flags));
    base::PutSigned(out, record.time - time);
    base::PutSigned(out, static_cast<int64_t>(record.seq - seq));
    if (record.step) base::PutSigned(out, *record.step);
    if (!record.level.empty()) base::PutString(out, record.level);
    base::PutString(out, record.text);
    if (!record.fields.empty()) PutFields(out, record.fields);
    time = record.time;
    seq = record.seq;
  }
}

base::Result<std::vector<Record>> DecodeRecords(std::string_view bytes) {
  base::ByteReader in(bytes);
  if (in.Byte() != kVersion) return base::Status::Corrupt("record batch: unknown version");
  std::vector<Origin> origins;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) origins.push_back(ReadOrigin(&in));
  std::vector<Record> records;
  base::TimeNs time = 0;
  uint64_t seq = 0;
  for (uint64_t count = in.Varint(); count > 0 && in.ok(); --count) {
    Record record;
    uint64_t origin = in.Varint();
    uint8_t stream = in.Byte();
    uint8_t flags = in.Byte();
    if (origin >= origins.size() || stream > static_cast<uint8_t>(Stream::kStack)) in.Fail();
    if (!in.ok()) break;
    record.origin = origins[origin];
    record.stream = static_cast<Stream>(stream);
    // Unsigned sums: damaged deltas may wrap, and must not be undefined.
    time = static_cast<int64_t>(static_cast<uint64_t>(time) + static_cast<uint64_t>(in.Signed()));
    seq += static_cast<uint64_t>(in.Signed());
    record.time = time;
    record.seq = seq;
    if (flags & kHasStep) record.step = in.Signed();
    if (flags & kHasLevel) record.level = in.String();
    record.text = in.String();
    if (flags & kHasFields) record.fields = ReadFields(&in);
    records.push_back(std::move(record));
  }
  if (!in.ok() || !in.empty()) return base::Status::Corrupt("record batch: malformed");
  return records;
}

}  // namespace rankscope::model
