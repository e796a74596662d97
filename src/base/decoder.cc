#include "base/decoder.h"

#include <zlib.h>
#include <zstd.h>

namespace rankscope::base {
namespace {

constexpr size_t kPiece = 256 << 10;
constexpr int kMaxWindowLog = 27;  // 128 MiB, as the zstd tool allows without being asked

class Identity : public Decoder {
 public:
  Status Decode(std::string_view bytes, const Take& take) override { return take(bytes); }
  Status End() const override { return {}; }
};

class Gzip : public Decoder {
 public:
  Gzip() : out_(kPiece, '\0') { inflateInit2(&stream_, 16 + MAX_WBITS); }
  ~Gzip() override { inflateEnd(&stream_); }

  Status Decode(std::string_view bytes, const Take& take) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0 || stream_.avail_out == 0) {
      if (whole_) inflateReset(&stream_);  // gzip files may be joined
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return Status::Invalid("not gzip");
      }
      whole_ = result == Z_STREAM_END;
      size_t size = out_.size() - stream_.avail_out;
      if (size > 0) RETURN_IF_ERROR(take(std::string_view(out_).substr(0, size)));
      if (result == Z_BUF_ERROR) break;
    }
    return {};
  }
  Status End() const override { return whole_ ? Status() : Status::Invalid("the gzip stream is cut off"); }

 private:
  z_stream stream_{};
  std::string out_;
  bool whole_ = false;
};

class Zstd : public Decoder {
 public:
  Zstd() : stream_(ZSTD_createDStream(), &ZSTD_freeDStream), out_(kPiece, '\0') {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

  Status Decode(std::string_view bytes, const Take& take) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(result)) {
        return Status::Invalid(std::string("not zstd: ") + ZSTD_getErrorName(result));
      }
      whole_ = result == 0;
      full = out.pos == out.size;
      if (out.pos > 0) RETURN_IF_ERROR(take(std::string_view(out_).substr(0, out.pos)));
    }
    return {};
  }
  Status End() const override { return whole_ ? Status() : Status::Invalid("the zstd stream is cut off"); }

 private:
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  std::string out_;
  bool whole_ = false;
};

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::Make(std::string_view encoding) {
  std::unique_ptr<Decoder> decoder;
  if (encoding.empty() || encoding == "identity") decoder = std::make_unique<Identity>();
  if (encoding == "gzip" || encoding == "x-gzip") decoder = std::make_unique<Gzip>();
  if (encoding == "zstd") decoder = std::make_unique<Zstd>();
  if (!decoder) {
    return Status::Invalid("\"" + std::string(encoding) + "\": gzip and zstd are understood");
  }
  return decoder;
}

}  // namespace rankscope::base
