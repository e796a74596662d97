#include "store/blocks/block_tables.h"

#include <algorithm>

namespace rankscope::store {
namespace {

constexpr uint8_t kHasStep = 0x10;

void PutOptional(std::string* out, const std::optional<int32_t>& value) {
  base::PutSigned(out, value ? int64_t{*value} + (*value >= 0 ? 1 : 0) : 0);
}

std::optional<int32_t> ReadOptional(base::ByteReader* in) {
  int64_t value = in->Signed();
  if (value == 0) return std::nullopt;
  return static_cast<int32_t>(value > 0 ? value - 1 : value);
}

}  // namespace

uint64_t ReadCount(base::ByteReader* in) {
  uint64_t count = in->Varint();
  return std::min<uint64_t>(count, in->remaining());
}

void PutOrigins(const std::vector<model::Origin>& origins, std::string* out) {
  base::PutVarint(out, origins.size());
  for (const model::Origin& origin : origins) {
    base::PutSigned(out, origin.attempt);
    PutOptional(out, origin.node_rank);
    PutOptional(out, origin.rank);
    PutOptional(out, origin.local_rank);
    base::PutString(out, origin.host);
  }
}

void ReadOrigins(base::ByteReader* in, std::vector<model::Origin>* origins) {
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) {
    model::Origin& origin = origins->emplace_back();
    origin.attempt = static_cast<int32_t>(in->Signed());
    origin.node_rank = ReadOptional(in);
    origin.rank = ReadOptional(in);
    origin.local_rank = ReadOptional(in);
    origin.host = in->String();
  }
}

void PutTexts(const std::vector<std::string>& texts, std::string* out) {
  base::PutVarint(out, texts.size());
  for (const std::string& text : texts) base::PutString(out, text);
}

void ReadTexts(base::ByteReader* in, std::vector<std::string>* texts) {
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) texts->emplace_back(in->String());
}

void PutSchemas(const std::vector<std::vector<std::string>>& schemas, std::string* out) {
  base::PutVarint(out, schemas.size());
  for (const auto& names : schemas) PutTexts(names, out);
}

void ReadSchemas(base::ByteReader* in, std::vector<std::vector<std::string>>* schemas) {
  for (uint64_t left = ReadCount(in); left > 0 && in->ok(); --left) ReadTexts(in, &schemas->emplace_back());
}

void PutShape(const RowShape& shape, std::string* out) {
  out->push_back(static_cast<char>(static_cast<uint8_t>(shape.stream) | (shape.has_step ? kHasStep : 0)));
  base::PutVarint(out, shape.level);
  base::PutVarint(out, shape.schema);
}

void ReadShape(base::ByteReader* in, const BlockHeader& header, RowShape* shape) {
  uint8_t head = in->Byte();
  uint64_t level = in->Varint(), schema = in->Varint();
  bool known = (head & 0x0f) <= static_cast<uint8_t>(model::Stream::kStack);
  if (!known || level >= header.levels.size() || schema >= header.schemas.size()) return in->Fail();
  shape->stream = static_cast<model::Stream>(head & 0x0f);
  shape->has_step = head & kHasStep;
  shape->level = static_cast<uint16_t>(level);
  shape->schema = static_cast<uint16_t>(schema);
}

}  // namespace rankscope::store
