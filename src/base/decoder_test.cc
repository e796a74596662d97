#include "base/decoder.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace rankscope::base {
namespace {

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// What comes out when the bytes come in pieces of so many.
Result<std::string> Decode(std::string_view encoding, const std::string& bytes, size_t piece) {
  auto decoder = *Decoder::Make(encoding);
  std::string text;
  auto take = [&](std::string_view part) {
    text.append(part);
    return Status();
  };
  for (size_t at = 0; at < bytes.size(); at += piece) {
    RETURN_IF_ERROR(decoder->Decode(std::string_view(bytes).substr(at, piece), take));
  }
  RETURN_IF_ERROR(decoder->End());
  return text;
}

TEST(Decoder, GivesBackTheBytesHoweverTheyAreCut) {
  std::string text = "first line\n" + std::string(1 << 20, 'x') + "\nlast";
  for (size_t piece : {size_t{1} << 22, size_t{1000}, size_t{7}}) {
    EXPECT_EQ(*Decode("", text, piece), text);
    EXPECT_EQ(*Decode("gzip", Gzip(text), piece), text);
    EXPECT_EQ(*Decode("zstd", Zstd(text), piece), text);
  }
}

TEST(Decoder, JoinedStreamsAreOne) {
  EXPECT_EQ(*Decode("gzip", Gzip("a\n") + Gzip("b\n"), 5), "a\nb\n");
  EXPECT_EQ(*Decode("zstd", Zstd("a\n") + Zstd("b\n"), 5), "a\nb\n");
}

TEST(Decoder, WhatIsCutOffOrAnotherThingIsNamed) {
  std::string gzip = Gzip("hello"), zstd = Zstd("hello");
  EXPECT_EQ(Decode("gzip", gzip.substr(0, gzip.size() - 3), 100).status().message(), "the gzip stream is cut off");
  EXPECT_EQ(Decode("zstd", zstd.substr(0, zstd.size() - 1), 100).status().message(), "the zstd stream is cut off");
  EXPECT_EQ(Decode("gzip", zstd, 100).status().message(), "not gzip");
  EXPECT_EQ(Decode("zstd", gzip, 100).status().message().find("not zstd"), 0u);
  EXPECT_EQ(Decoder::Make("br").status().message(), "\"br\": gzip and zstd are understood");
}

TEST(Decoder, StopsAtTheTakersFirstError) {
  auto decoder = *Decoder::Make("zstd");
  auto status = decoder->Decode(Zstd("hello"), [](std::string_view) { return Status::Invalid("enough"); });
  EXPECT_EQ(status.message(), "enough");
}

TEST(Decoder, Utf16BecomesUtf8WhereverItsPiecesEnd) {
  const std::u16string text = u"\uFEFFlo\u00DF \u2588 \U0001F525\n\xD800x\xDC00";
  for (const bool big : {false, true}) {
    std::string bytes;
    for (char16_t unit : text) {
      const char low = static_cast<char>(unit & 0xFF), high = static_cast<char>(unit >> 8);
      bytes += big ? std::string{high, low} : std::string{low, high};
    }
    for (size_t piece : {1, 2, 3, 64}) {
      auto decoder = *Decoder::Make(big ? "utf-16be" : "utf-16le");
      std::string out;
      for (size_t at = 0; at < bytes.size(); at += piece) {
        ASSERT_TRUE(decoder
                        ->Decode(std::string_view(bytes).substr(at, piece),
                                 [&](std::string_view text) {
                                   out += text;
                                   return Status();
                                 })
                        .ok());
      }
      EXPECT_EQ(out, "lo\u00DF \u2588 \U0001F525\n\uFFFDx\uFFFD");
      EXPECT_TRUE(decoder->End().ok());
    }
  }
  auto cut = *Decoder::Make("utf-16le");
  EXPECT_TRUE(cut->Decode("a", [](std::string_view) { return Status(); }).ok());
  EXPECT_FALSE(cut->End().ok());
}

}  // namespace
}  // namespace rankscope::base
