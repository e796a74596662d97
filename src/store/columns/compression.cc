#include "store/columns/compression.h"

#include "base/zstd.h"

namespace rankscope::store {
namespace {

constexpr char kPlain = 0;
constexpr char kZstd = 1;

}  // namespace

void PutCompressed(std::string_view bytes, int level, std::string* out) {
  size_t before = out->size();
  out->push_back(kZstd);
  base::PutZstd(bytes, level, out);
  if (out->size() < before + 1 + bytes.size()) return;
  out->resize(before);
  out->push_back(kPlain);
  out->append(bytes);
}

bool ReadCompressed(std::string_view compressed, size_t size, std::string* out) {
  if (compressed.empty()) return false;
  char kind = compressed.front();
  compressed.remove_prefix(1);
  if (kind == kPlain) {
    out->assign(compressed);
    return out->size() == size;
  }
  return kind == kZstd && base::ReadZstd(compressed, size, out);
}

}  // namespace rankscope::store
