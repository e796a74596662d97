#include "store/compression.h"

#include <zstd.h>

#include <memory>

namespace rankscope::store {
namespace {

constexpr char kPlain = 0;
constexpr char kZstd = 1;

// A context costs more to make than a small column to compress: one a thread.
ZSTD_CCtx* Compressor() {
  thread_local std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  return context.get();
}
ZSTD_DCtx* Decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  return context.get();
}

}  // namespace

void PutCompressed(std::string_view bytes, int level, std::string* out) {
  size_t before = out->size();
  size_t bound = ZSTD_compressBound(bytes.size());
  out->resize(before + 1 + bound);
  size_t size = ZSTD_compressCCtx(Compressor(), out->data() + before + 1, bound, bytes.data(), bytes.size(), level);
  bool smaller = !ZSTD_isError(size) && size < bytes.size();
  (*out)[before] = smaller ? kZstd : kPlain;
  out->resize(before + 1 + (smaller ? size : 0));
  if (!smaller) out->append(bytes);
}

bool ReadCompressed(std::string_view compressed, size_t size, std::string* out) {
  if (compressed.empty()) return false;
  char kind = compressed.front();
  compressed.remove_prefix(1);
  if (kind == kPlain) {
    out->assign(compressed);
    return out->size() == size;
  }
  if (kind != kZstd || ZSTD_getFrameContentSize(compressed.data(), compressed.size()) != size) return false;
  out->resize(size);
  return ZSTD_decompressDCtx(Decompressor(), out->data(), size, compressed.data(), compressed.size()) == size;
}

}  // namespace rankscope::store
