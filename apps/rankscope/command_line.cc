#include "command_line.h"

#include <string_view>

namespace rankscope {
namespace {

bool IsLabel(std::string_view word) {
  return !word.starts_with('-') && word.find('=') != std::string_view::npos && !word.starts_with('=');
}

bool IsOptionWithoutValue(std::string_view word) {
  return word.starts_with("--") && word.size() > 3 && word.find('=') == word.size() - 1;
}

}  // namespace

std::vector<std::string> CommandWords(int argc, char** argv) {
  std::vector<std::string> words;
  bool runs = argc > 1 && std::string_view(argv[1]) == "run", of_labels = false;
  int at = 1;
  for (; at < argc && std::string_view(argv[at]) != "--"; ++at) {
    std::string word = argv[at];
    bool is_first_label = runs && at > 1 && std::string_view(argv[at - 1]) == "--label";
    of_labels = is_first_label || (of_labels && IsLabel(word));
    if (of_labels && !is_first_label) words.emplace_back("--label");
    bool is_empty = IsOptionWithoutValue(word);
    if (is_empty) word.pop_back();
    words.push_back(std::move(word));
    if (is_empty) words.emplace_back();
  }
  words.insert(words.end(), argv + at, argv + argc);
  return words;
}

}  // namespace rankscope
