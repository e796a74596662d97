#include "base/zstd.h"

#define ZSTD_STATIC_LINKING_ONLY  // for literalCompressionMode
#include <zstd.h>

#include <memory>
#include <new>

namespace rankscope::base {
namespace {

ZSTD_CCtx* Compressor() {
  thread_local std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), &ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
  return context.get();
}

}  // namespace

void PutZstd(std::string_view bytes, int level, std::string* out) {
  size_t bound = ZSTD_compressBound(bytes.size());
  // Not in `out` itself: to make room there would write the whole bound.
  auto room = std::make_unique_for_overwrite<char[]>(bound);
  ZSTD_CCtx* compressor = Compressor();
  ZSTD_CCtx_setParameter(compressor, ZSTD_c_compressionLevel, level);
  size_t size = ZSTD_compress2(compressor, room.get(), bound, bytes.data(), bytes.size());
  if (ZSTD_isError(size)) throw std::bad_alloc();  // where there is room for the bound nothing else can fail
  out->append(room.get(), size);
}

bool ReadZstd(std::string_view frame, size_t size, std::string* out) {
  if (ZSTD_getFrameContentSize(frame.data(), frame.size()) != size) return false;
  out->resize(size);
  return ZSTD_decompressDCtx(Decompressor(), out->data(), size, frame.data(), frame.size()) == size;
}

}  // namespace rankscope::base
