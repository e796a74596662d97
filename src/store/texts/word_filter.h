#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/texts/hash_set.h"

namespace rankscope::store {

// A bloom filter of words (model/words.h, case folded): of free text, and of the ids in it. A word that was added is
// found always, another one in a hundred times or so.
class WordFilter {
 public:
  // A word of at most 16 bytes, zeros behind it.
  struct ShortWord {
    uint64_t first = 0, second = 0;
    bool operator==(const ShortWord&) const = default;
  };

  void AddWords(std::string_view text);
  // An id as one word, whatever is in it (ASCII without capitals).
  void AddId(std::string_view id);
  // Whether a text of AddWords had an escape character, as those with colours have.
  bool saw_escape();
  // The filter's bytes: empty when nothing was added.
  std::string Take();

  // The words of a text as they are put to many filters.
  static std::vector<uint64_t> HashesOf(std::string_view text);
  // Whether texts that were added may hold each of the words.
  static bool MayHoldAll(std::string_view filter, const std::vector<uint64_t>& words);
  static bool MayHoldId(std::string_view filter, std::string_view id);

 private:
  static constexpr size_t kExpected = 16;

  void AddWaiting();
  void AddRun(std::string_view run);
  void AddWord(const ShortWord& word, size_t size);
  void AddHash(uint64_t hash);
  void AddExpected();

  std::string waiting_;      // texts whose words are to be added, zeros between them
  bool saw_escape_ = false;  // in those before
  HashSet hashes_;
  std::array<uint64_t, kExpected> expected_{};  // hashes that are to be added,
  size_t expected_count_ = 0;                   // so many
  std::vector<ShortWord> lately_;               // were added, each at the place that its bytes give
  std::vector<bool> ideographs_;                // that were added, by model::IdeographNumber
  std::string room_;
};

}  // namespace rankscope::store
