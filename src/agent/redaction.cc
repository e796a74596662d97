#include "agent/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/json_text.h"
#include "base/shell_word.h"
#include "parse/line_record.h"

namespace rankscope::agent {
namespace {

constexpr std::string_view kRedacted = "[REDACTED]";
constexpr std::string_view kBetweenWords = " \t\r\n;&|()";

// A variable that has one of these in its name is withheld: there are many others to tell by.
constexpr std::array<std::string_view, 9> kTellingParts = {"key",        "token", "secret", "password", "passwd",
                                                           "credential", "auth",  "cookie", "private"};
// An option is what its last words say: --hf_token, and not --tokenizer; --api-key, and not --image_key.
constexpr std::array<std::string_view, 9> kTellingWords = {
    "token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "cookie", "apikey"};
constexpr std::array<std::string_view, 5> kBeforeKey = {"api", "access", "secret", "private", "auth"};

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool TellsOfVariable(std::string_view name) {
  std::string lower = Lower(name);
  return std::any_of(kTellingParts.begin(), kTellingParts.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

// Takes the last word of letters and digits off the name.
std::string TakeLastWord(std::string* name) {
  auto is_part = [](unsigned char c) { return std::isalnum(c) != 0; };
  auto end = std::find_if(name->rbegin(), name->rend(), is_part).base();
  auto begin = std::find_if_not(std::make_reverse_iterator(end), name->rend(), is_part).base();
  std::string word(begin, end);
  name->erase(begin, name->end());
  return word;
}

bool TellsOfArgument(std::string_view name) {
  std::string rest = Lower(name);
  std::string word = TakeLastWord(&rest);
  if (word == "key") return std::find(kBeforeKey.begin(), kBeforeKey.end(), TakeLastWord(&rest)) != kBeforeKey.end();
  return std::find(kTellingWords.begin(), kTellingWords.end(), word) != kTellingWords.end();
}

bool IsQuote(char c) { return c == '\'' || c == '"'; }

// Where the first word ends. One in quotes, or whose value is, ends with these.
size_t EndOfWord(std::string_view text) {
  size_t end = std::min(text.find_first_of(kBetweenWords), text.size());
  size_t equals = text.substr(0, end).find('=');
  size_t quote = equals == std::string_view::npos ? 0 : equals + 1;
  if (quote >= end || !IsQuote(text[quote])) return end;
  size_t closing = text.find(text[quote], quote + 1);
  return closing == std::string_view::npos ? text.size() : closing + 1;
}

// Goes along the arguments of a command: one may say that the next is a secret.
class ArgumentRedactor {
 public:
  std::string Redacted(std::string_view argument) {
    if (std::exchange(next_is_secret_, false) && !argument.starts_with("-")) return std::string(kRedacted);
    size_t equals = argument.find('=');
    std::string_view name = argument.substr(0, equals);
    if (name.find_first_of(kBetweenWords) != std::string_view::npos) return RedactedWords(argument);
    bool tells = TellsOfArgument(name);
    if (equals == std::string_view::npos) {
      next_is_secret_ = tells && name.starts_with("-");
      return std::string(argument);
    }
    if (tells && equals + 1 < argument.size()) return std::string(name) + "=" + std::string(kRedacted);
    return std::string(name) + "=" + RedactedWords(argument.substr(equals + 1));
  }

  // An argument, or a variable's value, that may be a command itself.
  static std::string RedactedWords(std::string_view text) {
    ArgumentRedactor words;
    std::string out;
    while (!text.empty()) {
      size_t end = EndOfWord(text);
      if (end > 0) out += words.RedactedWord(text.substr(0, end));
      if (end < text.size()) out += text[end];
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
  }

 private:
  std::string RedactedWord(std::string_view word) {
    if (next_is_secret_ || !IsQuote(word.front())) return Redacted(word);
    bool closed = word.size() > 1 && word.back() == word.front();
    std::string inside = RedactedWords(word.substr(1, word.size() - (closed ? 2 : 1)));
    return word.front() + inside + (closed ? std::string(1, word.front()) : "");
  }

  bool next_is_secret_ = false;
};

// Quotes only where the words would else look like several or none: a command line is easier to read without.
std::string AsOneWord(const std::string& argument) {
  bool is_one = !argument.empty() && argument.find_first_of(" \t\n") == std::string::npos;
  return is_one ? argument : base::ShellWord(argument);
}

}  // namespace

std::string RedactedCommand(const std::vector<std::string>& command) {
  ArgumentRedactor redactor;
  std::string text;
  for (const std::string& argument : command)
    text += (text.empty() ? "" : " ") + AsOneWord(redactor.Redacted(argument));
  parse::RedactSecrets(&text);
  return text;
}

std::string RedactedLabel(const std::string& name, const std::string& value) {
  std::string text = TellsOfArgument(name) ? std::string(kRedacted) : ArgumentRedactor::RedactedWords(value);
  parse::RedactSecrets(&text);
  return text;
}

std::string RedactedEnvironment(const char* const* environment) {
  nlohmann::json json = nlohmann::json::object();
  for (; *environment; ++environment) {
    std::string_view variable = *environment;
    size_t equals = variable.find('=');
    if (equals == std::string_view::npos) continue;
    std::string name(variable.substr(0, equals));
    std::string value = ArgumentRedactor::RedactedWords(variable.substr(equals + 1));
    parse::RedactSecrets(&value);
    json[name] = TellsOfVariable(name) && !value.empty() ? std::string(kRedacted) : value;
  }
  return base::JsonText(json);
}

}  // namespace rankscope::agent
