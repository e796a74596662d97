#include "base/lz4.h"

#include <lz4frame.h>

#include <memory>
#include <new>

namespace rankscope::base {
namespace {

constexpr std::string_view kMagic = "\x04\x22\x4d\x18";
// LZ4's own default looks at each byte; this one goes on faster where nothing is found: a half of the time for random
// tokens, a few hundredths more bytes for text.
constexpr int kLevel = -3;

using Context = std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)>;

Context NewDecompressor() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) throw std::bad_alloc();
  return {context, &LZ4F_freeDecompressionContext};
}

LZ4F_preferences_t Preferences(size_t size) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max4MB;
  preferences.frameInfo.contentSize = size;
  preferences.compressionLevel = kLevel;
  return preferences;
}

// Whether the frame says that it holds `size` bytes; `head` is how long its header is.
bool HoldsBytes(LZ4F_dctx* context, std::string_view frame, size_t size, size_t* head) {
  LZ4F_frameInfo_t info = LZ4F_INIT_FRAMEINFO;
  *head = frame.size();
  return !LZ4F_isError(LZ4F_getFrameInfo(context, &info, frame.data(), head)) && info.contentSize == size;
}

}  // namespace

void PutLz4(std::string_view bytes, std::string* out) {
  LZ4F_preferences_t preferences = Preferences(bytes.size());
  size_t bound = LZ4F_compressFrameBound(bytes.size(), &preferences);
  auto room = std::make_unique_for_overwrite<char[]>(bound);
  size_t size = LZ4F_compressFrame(room.get(), bound, bytes.data(), bytes.size(), &preferences);
  if (LZ4F_isError(size)) throw std::bad_alloc();  // where there is room for the bound nothing else can fail
  out->append(room.get(), size);
}

bool IsLz4(std::string_view frame) { return frame.starts_with(kMagic); }

bool ReadLz4(std::string_view frame, size_t size, std::string* out) {
  Context context = NewDecompressor();
  size_t head = 0;
  if (!HoldsBytes(context.get(), frame, size, &head)) return false;
  out->resize(size);
  frame.remove_prefix(head);
  size_t written = size, read = frame.size();
  size_t left = LZ4F_decompress(context.get(), out->data(), &written, frame.data(), &read, nullptr);
  return left == 0 && written == size && read == frame.size();
}

}  // namespace rankscope::base
