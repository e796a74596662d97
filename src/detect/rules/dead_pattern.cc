#include "detect/rules/dead_pattern.h"

#include <cctype>

namespace rankscope::detect {
namespace {

// What stands at one place of a pattern. Everything but single characters may match anything.
struct Atom {
  enum class Kind { kOther, kCharacter, kBorder } kind = Kind::kOther;
  char c = 0;        // of a border: the character that follows the backslash, or ^ or $
  size_t bytes = 1;  // in the pattern
};

bool IsWord(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

Atom Escaped(char c) {
  constexpr std::string_view kBorders = "bAz", kClasses = "dDsSwWpPCQEBnrtfvax01234567";
  if (kBorders.find(c) != std::string_view::npos) return {Atom::Kind::kBorder, c, 2};
  return {kClasses.find(c) == std::string_view::npos ? Atom::Kind::kCharacter : Atom::Kind::kOther, c, 2};
}

Atom AtomAt(std::string_view rest) {
  if (rest.empty()) return {};
  if (rest[0] == '\\') return rest.size() > 1 ? Escaped(rest[1]) : Atom();
  if (rest[0] == '^' || rest[0] == '$') return {Atom::Kind::kBorder, rest[0], 1};
  bool operation = std::string_view("().[]{}*+?|\n").find(rest[0]) != std::string_view::npos;
  return {operation ? Atom::Kind::kOther : Atom::Kind::kCharacter, rest[0], 1};
}

// Whether no text has the border between the two characters; \n is none of them.
bool IsImpossible(const Atom& before, char border, const Atom& after) {
  bool character_before = before.kind == Atom::Kind::kCharacter, character_after = after.kind == Atom::Kind::kCharacter;
  if (border == 'b') return character_before && character_after && IsWord(before.c) == IsWord(after.c);
  return border == '^' || border == 'A' ? character_before : character_after;
}

// A quantifier may make its character none.
bool IsQuantified(std::string_view rest) {
  return !rest.empty() && std::string_view("*?{").find(rest[0]) != std::string_view::npos;
}

// Past a class in brackets.
size_t ClassEnd(std::string_view pattern, size_t at) {
  for (at += pattern.substr(at, 2) == "[^" ? 3 : 2; at < pattern.size() && pattern[at] != ']'; ++at) {
    if (pattern[at] == '\\') ++at;
  }
  return at + 1;
}

}  // namespace

// With parentheses or alternatives, one part may match where another cannot: nothing is said of those, nor of a pattern
// with escapes of several characters.
std::string WhyDead(std::string_view pattern) {
  for (std::string_view wide : {"(", "|", "\\Q", "\\p", "\\P", "\\x"}) {
    if (pattern.find(wide) != std::string_view::npos) return "";
  }
  Atom before;
  for (size_t at = 0; at < pattern.size();) {
    Atom atom = AtomAt(pattern.substr(at));
    if (pattern[at] == '[') {
      at = ClassEnd(pattern, at);
      before = {};
      continue;
    }
    at += atom.bytes;
    if (atom.kind != Atom::Kind::kBorder) {
      before = at < pattern.size() && IsQuantified(pattern.substr(at)) ? Atom() : atom;
      continue;
    }
    if (IsQuantified(pattern.substr(at))) continue;
    Atom after = AtomAt(pattern.substr(at));
    if (at + after.bytes < pattern.size() && IsQuantified(pattern.substr(at + after.bytes))) after = {};
    if (IsImpossible(before, atom.c, after)) {
      return "no text has " + std::string(pattern.substr(at - atom.bytes, atom.bytes)) + " there";
    }
    before = {};
  }
  return "";
}

}  // namespace rankscope::detect
