#include "base/coding.h"

#include <xxhash.h>

#include <bit>
#include <memory>
#include <new>

namespace rankscope::base {
namespace {

static_assert(std::endian::native == std::endian::little, "formats are written in native order");

template <typename T>
void PutRaw(std::string* out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out->append(bytes, sizeof(T));
}

template <typename T>
T ReadRaw(ByteReader* reader) {
  T value{};
  std::string_view bytes = reader->Bytes(sizeof(T));
  if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

}  // namespace

void PutFixed32(std::string* out, uint32_t value) { PutRaw(out, value); }
void PutFixed64(std::string* out, uint64_t value) { PutRaw(out, value); }
void PutDouble(std::string* out, double value) { PutRaw(out, value); }

void PutString(std::string* out, std::string_view value) {
  PutVarint(out, value.size());
  out->append(value);
}

uint32_t ByteReader::Fixed32() { return ReadRaw<uint32_t>(this); }
uint64_t ByteReader::Fixed64() { return ReadRaw<uint64_t>(this); }
double ByteReader::Double() { return ReadRaw<double>(this); }

uint64_t ByteReader::LongVarint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint8_t byte = Byte();
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  Fail();
  return 0;
}

uint64_t Checksum(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t Checksum(std::string_view head, std::string_view body, uint64_t seed) {
  if (body.empty()) return Checksum(head, seed);
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(), &XXH3_freeState);
  if (!state) throw std::bad_alloc();
  XXH3_64bits_reset_withSeed(state.get(), seed);
  XXH3_64bits_update(state.get(), head.data(), head.size());
  XXH3_64bits_update(state.get(), body.data(), body.size());
  return XXH3_64bits_digest(state.get());
}

}  // namespace rankscope::base
