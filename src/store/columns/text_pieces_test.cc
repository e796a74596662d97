#include "store/columns/text_pieces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "base/testing/repetitions.h"
#include "store/columns/text_column.h"
#include "store/texts/word_filter.h"

namespace rankscope::store {
namespace {

// The texts' pieces.
std::vector<std::string> Selected(const TextPieces& pieces, const std::vector<uint32_t>& texts) {
  TextPieces::Selection selected = pieces.Select(texts);
  std::vector<uint32_t> counts(pieces.pieces().size());
  std::vector<std::string> found;
  size_t literal = 0;
  for (uint16_t number : selected.sequence) {
    bool is_literal = number == TextPieces::kLiteral;
    found.emplace_back(is_literal ? selected.literals.at(literal++) : pieces.pieces().at(number));
    ++counts.at(number);
  }
  EXPECT_EQ(literal, selected.literals.size());
  EXPECT_EQ(counts, selected.counts);
  return found;
}

std::vector<std::string> PiecesOf(std::string_view text) {
  TextPieces pieces;
  EXPECT_EQ(pieces.Add(text), 0U);
  return Selected(pieces, {0});
}

std::vector<uint32_t> Cut(const std::vector<std::string_view>& texts, TextPieces* pieces) {
  std::vector<uint32_t> cut;
  cut.reserve(texts.size());
  for (std::string_view text : texts) cut.push_back(pieces->Add(text));
  return cut;
}

TEST(TextPieces, APieceIsARunOfWordBytesWithWhatStandsBehindIt) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(PiecesOf("the loss, the loss: 0.5"), (Found{"the ", "loss, ", "the ", "loss: ", "0.", "5"}));
  EXPECT_EQ(PiecesOf("  snake_case (x)\n"), (Found{"  ", "snake_case (", "x)\n"}));
  EXPECT_EQ(PiecesOf("ошибка памяти"), (Found{"ошибка ", "памяти"}));
  EXPECT_EQ(PiecesOf("..."), (Found{"..."}));
  EXPECT_TRUE(PiecesOf("").empty());
}

TEST(TextPieces, ANumberIsNumberedOnlyWhereItComesAgainSoon) {
  TextPieces pieces;
  const std::string text = "attempt 4711 ";
  (void)pieces.Add(text);
  std::vector<std::string> others;
  for (int i = 0; i < 2000; ++i) others.push_back("item at its own place " + std::to_string(100'000 + i * 7));
  for (const std::string& other : others) (void)pieces.Add(other);
  std::vector<uint16_t> again = pieces.Select({{pieces.Add(text)}}).sequence;
  ASSERT_EQ(again.size(), 2u);
  EXPECT_NE(again[0], TextPieces::kLiteral);
  EXPECT_EQ(again[1], TextPieces::kLiteral);
  EXPECT_NE(pieces.Select({{pieces.Add(text)}}).sequence.at(1), TextPieces::kLiteral);
}

TEST(TextPieces, ACharacterThatIsAWordOfItsOwnIsAPieceOfItsOwn) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(PiecesOf("训练 loss步, 3步"), (Found{"训", "练 ", "loss", "步, ", "3", "步"}));
  EXPECT_EQ(PiecesOf("メモリ不足"), (Found{"メ", "モ", "リ", "不", "足"}));
  EXPECT_EQ(PiecesOf("ㄱㄴ 각각"), (Found{"ㄱㄴ ", "각각"})) << "letters of words";
  EXPECT_EQ(PiecesOf("a\xe4\xb8"
                     "b \xe4"
                     "bcd"),
            (Found{"a\xe4\xb8"
                   "b ",
                   "\xe4"
                   "bcd"}))
      << "cut off";
  for (size_t before = 0; before < 140; ++before) {
    std::vector<std::string> pieces = PiecesOf(std::string(before, 'x') + "内存b");
    std::string joined;
    for (const std::string& piece : pieces) joined += piece;
    EXPECT_EQ(joined, std::string(before, 'x') + "内存b");
    EXPECT_EQ(pieces.size(), before > 0 ? 4U : 3U) << before;
  }
}

TEST(TextPieces, EachByteIsInTheRunsThatAWordMayHaveIt) {
  for (int byte = 0; byte < 256; ++byte) {
    auto c = static_cast<char>(byte);
    bool in_word = std::isalnum(byte) || c == '_' || byte >= 0x80;
    for (size_t before : {0, 1, 30, 31, 32, 62, 63, 64, 100}) {
      std::string text = std::string(before, '.') + c + ".a";
      size_t pieces = (before > 0 || !in_word ? 1 : 0) + (in_word ? 1 : 0) + 1;
      EXPECT_EQ(PiecesOf(text).size(), pieces) << byte << " behind " << before;
    }
  }
}

TEST(TextPieces, LongAndShortPiecesAreToldApartAndJoinToTheTexts) {
  std::mt19937 random(11);
  std::vector<std::string> words;
  for (size_t size = 1; size < 42; ++size) {
    words.push_back(std::string(size - 1, 'x') + 'y');
    words.push_back(std::string(size - 1, 'x') + '\0');
    words.push_back(std::string(size, 'x'));
  }
  TextPieces pieces;
  std::vector<std::string> texts(500);
  std::vector<uint32_t> cut;
  std::string all;
  for (std::string& text : texts) {
    for (auto left = random() % 40; left > 0; --left)
      text += words[random() % words.size()] + (random() % 3 ? " " : "\n");
    cut.push_back(pieces.Add(text));
    all += text;
  }
  std::string joined;
  for (const std::string& piece : Selected(pieces, cut)) joined += piece;
  EXPECT_EQ(joined, all);
  TextPieces::Selection selected = pieces.Select(cut);
  EXPECT_LT(selected.literals.size(), selected.sequence.size() / 2);
}

TEST(TextPieces, APieceIsAsLongAsItsWordWhereverItEnds) {
  for (size_t size = 1; size < 300; ++size) {
    for (size_t begin : {0, 1, 40}) {
      const std::string spaces(begin, ' '), word(size, 'w');
      const auto found = begin == 0 ? std::vector<std::string>{word} : std::vector<std::string>{spaces, word};
      EXPECT_EQ(PiecesOf(spaces + word), found);
    }
  }
}

TEST(TextPieces, GivesThePiecesOfAnyTextsInAnyOrder) {
  const std::vector<std::string_view> texts = {"loss of rank", "", "rank of loss, once 7", "loss", "of rank"};
  TextPieces pieces;
  std::vector<uint32_t> cut = Cut(texts, &pieces);
  using Found = std::vector<std::string>;
  EXPECT_EQ(Selected(pieces, {cut[4], cut[1], cut[0]}), (Found{"of ", "rank", "loss ", "of ", "rank"}));
  EXPECT_EQ(Selected(pieces, {cut[2], cut[2]}),
            (Found{"rank ", "of ", "loss, ", "once ", "7", "rank ", "of ", "loss, ", "once ", "7"}));
  EXPECT_TRUE(Selected(pieces, {}).empty());
}

TEST(TextPieces, WhereFewComeAgainTextsArePiecesUntilItIsTriedAnew) {
  TextPieces pieces;
  std::vector<std::string> texts(220'000, "the loss of the rank");
  for (size_t i = 0; i < 20'000; ++i) texts[i] = "token " + std::to_string(i) + " of " + std::to_string(i * 3);
  std::vector<size_t> sizes(texts.size());  // in pieces
  for (size_t i = 0; i < texts.size(); ++i) sizes[i] = Selected(pieces, {pieces.Add(texts[i])}).size();
  EXPECT_EQ(sizes.front(), 4U);
  EXPECT_EQ(sizes[19'999], 1U);
  EXPECT_EQ(sizes.back(), 5U);
  EXPECT_GT(std::count(sizes.begin(), sizes.begin() + 20'000, 1U), 15'000);
}

TEST(TextColumn, TextsOfFewPiecesComeBackAndTakeFewBytes) {
  std::mt19937 random(13);
  const std::vector<std::string> words = {"the ", "loss ",    "of ",   "rank ", "is ",
                                          "нет ", "памяти, ", "梯度 ", "(",     ")\n"};
  std::vector<std::string> held;
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (auto left = random() % 60; left > 0; --left) text += words[random() % words.size()];
    if (i % 50 == 0) text += "seen once " + std::to_string(random());
    held.push_back(std::move(text));
  }
  for (int many = 0; many < 2; ++many) {
    // With so many that some have codes of two bytes, and some none.
    for (int i = 0; many && i < 60'000; ++i) {
      held[static_cast<size_t>(i) % held.size()] += " w" + std::to_string(i / 3 * 7919 % 20'000);
    }
    std::vector<std::string_view> texts(held.begin(), held.end());
    TextPieces pieces;
    TextPieces::Selection selected = pieces.Select(Cut(texts, &pieces));
    std::string bytes, plain;
    EncodeTexts(texts, pieces, selected, &bytes);
    EncodeTexts(texts, &plain);
    // Of words that come a few times each, codes at their cheaper level take up to a fifth more.
    EXPECT_LT(bytes.size() * 5, plain.size() * (many ? 6 : 5));
    Texts back;
    ASSERT_TRUE(DecodeTexts(bytes, texts.size(), &back));
    EXPECT_EQ(back.texts, texts);
    for (size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / base::Repetitions(500UL)) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      Texts other;
      (void)DecodeTexts(damaged, texts.size(), &other);
      EXPECT_FALSE(DecodeTexts(std::string_view(bytes).substr(0, at), texts.size(), &other)) << at;
    }
  }
}

TEST(TextPieces, EachWordOfATextIsAWordOfItsPieces) {
  std::mt19937 random(17);
  const std::vector<std::string> parts = {"CUDA", "Память",       "é",  "梯", "度", "\xe4\xb8", "\xff", "_",
                                          "7",    "\xe2\x80\x94", "K",  " ",  ".",  "\xc2\xa0", "ß",    "각",
                                          "の",   "ー",           "ㄱ", "㐂", "䷀", "\xe3\x84", "々",   "、"};
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (auto left = random() % 30; left > 0; --left) text += parts[random() % parts.size()];
    TextPieces pieces;
    std::vector<uint32_t> cut = Cut({text}, &pieces);
    WordFilter by_piece, by_text;
    for (const std::string& piece : Selected(pieces, cut)) by_piece.AddWords(piece);
    by_text.AddWords(text);
    EXPECT_EQ(by_piece.Take(), by_text.Take()) << text;
  }
}

TEST(WordFilter, HasEachIdeographHoweverOftenOthersCame) {
  WordFilter words;
  for (const char* text : {"内存内存", "显存 不足", "内ㄱㄴ存", "存\xe6\x98内"}) words.AddWords(text);
  std::string filter = words.Take();
  for (const char* text : {"内", "存", "显存不足", "ㄱㄴ"})
    EXPECT_TRUE(WordFilter::MayHoldAll(filter, WordFilter::HashesOf(text))) << text;
  words.AddWords("内");
  EXPECT_TRUE(WordFilter::MayHoldAll(words.Take(), WordFilter::HashesOf("内"))) << "of the next block";
}

}  // namespace
}  // namespace rankscope::store
