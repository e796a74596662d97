#include "diagnose/knowledge/command_options.h"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

namespace rankscope::diagnose {
namespace {

std::vector<std::string_view> WordsOf(std::string_view command) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; (begin = command.find_first_not_of(" \t\n", begin)) != std::string_view::npos;) {
    const size_t end = std::min(command.find_first_of(" \t\n", begin), command.size());
    words.push_back(command.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

// A name with a small letter, as no variable of the environment has it.
bool IsAssignment(std::string_view word) {
  static const re2::RE2 kAssignment(R"([+]{0,2}[a-z][a-z0-9_./-]*=\S*)");
  return re2::RE2::FullMatch(re2::StringPiece(word.data(), word.size()), kAssignment);
}

bool IsOption(std::string_view word) { return word.size() > 2 && word.starts_with("--"); }

// -3 and -1e-4 are values.
bool IsValue(std::string_view word) {
  static const re2::RE2 kNumber(R"(-[\d.].*)");
  return !word.starts_with('-') || re2::RE2::FullMatch(re2::StringPiece(word.data(), word.size()), kNumber);
}

}  // namespace

CommandOptions ReadCommand(std::string_view command) {
  CommandOptions read;
  const std::vector<std::string_view> words = WordsOf(command);
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (!IsOption(word) && !IsAssignment(word)) {
      read.rest.append(read.rest.empty() ? "" : " ").append(word);
      continue;
    }
    word.remove_prefix(std::min(word.find_first_not_of("-+"), word.size()));
    const size_t equals = word.find('=');
    const bool follows = equals == std::string_view::npos && i + 1 < words.size() && IsValue(words[i + 1]);
    std::string& value = read.options[std::string(word.substr(0, equals))];
    value = equals != std::string_view::npos ? word.substr(equals + 1) : follows ? words[++i] : "true";
  }
  return read;
}

}  // namespace rankscope::diagnose
