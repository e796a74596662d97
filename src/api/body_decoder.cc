#include "api/body_decoder.h"

#include <zlib.h>
#include <zstd.h>

namespace rankscope::api {
namespace {

constexpr size_t kPiece = 256 << 10;
constexpr int kMaxWindowLog = 27;  // 128 MiB, as the zstd tool allows without being asked

class Identity : public BodyDecoder {
 public:
  base::Status Decode(std::string_view bytes, const Take& take) override { return take(bytes); }
  base::Status End() const override { return {}; }
};

class Gzip : public BodyDecoder {
 public:
  Gzip() : out_(kPiece, '\0') { inflateInit2(&stream_, 16 + MAX_WBITS); }
  ~Gzip() override { inflateEnd(&stream_); }

  base::Status Decode(std::string_view bytes, const Take& take) override {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    while (stream_.avail_in > 0 || stream_.avail_out == 0) {
      if (whole_) inflateReset(&stream_);  // gzip files may be joined
      stream_.next_out = reinterpret_cast<Bytef*>(out_.data());
      stream_.avail_out = static_cast<uInt>(out_.size());
      int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return base::Status::Invalid("the body is not gzip");
      }
      whole_ = result == Z_STREAM_END;
      size_t size = out_.size() - stream_.avail_out;
      if (size > 0) RETURN_IF_ERROR(take(std::string_view(out_).substr(0, size)));
      if (result == Z_BUF_ERROR) break;
    }
    return {};
  }
  base::Status End() const override {
    return whole_ ? base::Status() : base::Status::Invalid("the gzip body is cut off");
  }

 private:
  z_stream stream_{};
  std::string out_;
  bool whole_ = false;
};

class Zstd : public BodyDecoder {
 public:
  Zstd() : stream_(ZSTD_createDStream(), &ZSTD_freeDStream), out_(kPiece, '\0') {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  }

  base::Status Decode(std::string_view bytes, const Take& take) override {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    bool full = false;
    while (in.pos < in.size || full) {
      ZSTD_outBuffer out{out_.data(), out_.size(), 0};
      size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(result)) {
        return base::Status::Invalid(std::string("the body is not zstd: ") + ZSTD_getErrorName(result));
      }
      whole_ = result == 0;
      full = out.pos == out.size;
      if (out.pos > 0) RETURN_IF_ERROR(take(std::string_view(out_).substr(0, out.pos)));
    }
    return {};
  }
  base::Status End() const override {
    return whole_ ? base::Status() : base::Status::Invalid("the zstd body is cut off");
  }

 private:
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  std::string out_;
  bool whole_ = false;
};

}  // namespace

base::Result<std::unique_ptr<BodyDecoder>> BodyDecoder::Make(std::string_view encoding) {
  std::unique_ptr<BodyDecoder> decoder;
  if (encoding.empty() || encoding == "identity") decoder = std::make_unique<Identity>();
  if (encoding == "gzip" || encoding == "x-gzip") decoder = std::make_unique<Gzip>();
  if (encoding == "zstd") decoder = std::make_unique<Zstd>();
  if (!decoder) {
    return base::Status::Invalid("Content-Encoding \"" + std::string(encoding) + "\": gzip and zstd are understood");
  }
  return decoder;
}

}  // namespace rankscope::api
