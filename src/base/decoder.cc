#include "base/decoder.h"

#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <utility>

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

void AppendUtf8(char32_t point, std::string* to) {
  const auto tail = [&](int shift) { to->push_back(static_cast<char>(0x80 | (point >> shift & 0x3F))); };
  if (point < 0x80) {
    to->push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    to->push_back(static_cast<char>(0xC0 | point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    to->push_back(static_cast<char>(0xE0 | point >> 12));
    tail(6);
    tail(0);
  } else {
    to->push_back(static_cast<char>(0xF0 | point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Halves of pairs that stand alone become U+FFFD.
class Utf16 : public Decoder {
 public:
  explicit Utf16(bool big_endian) : low_(big_endian ? 1 : 0) {}

  Status Decode(std::string_view bytes, const Take& take) override {
    std::string out;
    for (char byte : bytes) {
      unit_[bytes_++ % 2] = byte;
      if (bytes_ % 2 == 0) TakeUnit(&out);
    }
    return out.empty() ? Status() : take(out);
  }
  Status End() const override {
    return bytes_ % 2 == 0 && high_ == 0 ? Status() : Status::Invalid("the UTF-16 text is cut off");
  }

 private:
  static constexpr char32_t kMark = 0xFEFF, kUnknown = 0xFFFD;

  void TakeUnit(std::string* out) {
    const auto unit = static_cast<char32_t>(static_cast<unsigned char>(unit_[low_]) |
                                            static_cast<unsigned char>(unit_[1 - low_]) << 8);
    const bool second = unit >= 0xDC00 && unit < 0xE000;
    if (second && high_ != 0)
      return AppendUtf8(0x10000 + ((std::exchange(high_, 0) - 0xD800) << 10) + unit - 0xDC00, out);
    if (std::exchange(high_, 0) != 0) AppendUtf8(kUnknown, out);
    if (unit >= 0xD800 && unit < 0xDC00) {
      high_ = unit;
    } else if (unit != kMark || bytes_ > 2) {
      AppendUtf8(second ? kUnknown : unit, out);
    }
  }

  const size_t low_;  // place of the low byte
  char unit_[2] = {};
  uint64_t bytes_ = 0;
  char32_t high_ = 0;  // the first half of a pair
};

}  // namespace

Result<std::unique_ptr<Decoder>> Decoder::Make(std::string_view encoding) {
  std::unique_ptr<Decoder> decoder;
  if (encoding.empty() || encoding == "identity") decoder = std::make_unique<Identity>();
  if (encoding == "gzip" || encoding == "x-gzip") decoder = std::make_unique<Gzip>();
  if (encoding == "zstd") decoder = std::make_unique<Zstd>();
  if (encoding == "utf-16le" || encoding == "utf-16be") decoder = std::make_unique<Utf16>(encoding == "utf-16be");
  if (!decoder) {
    return Status::Invalid("\"" + std::string(encoding) + "\": gzip and zstd are understood");
  }
  return decoder;
}

}  // namespace rankscope::base
