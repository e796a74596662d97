#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/rules/pattern_set.h"
#include "diagnose/signatures/signature.h"

namespace rankscope::diagnose {

// Says of its line no more than that an exception's name begins it.
bool IsAnyException(const Signature* signature);

// All signatures, found in one pass over a line. Immutable, any thread may ask.
class SignatureSet {
 public:
  // The shipped ones. They are compiled once, at the first call.
  static const SignatureSet& Shipped();

  // The signatures whose pattern the text has; where one is harmless, only those that outweigh it. `frames` are those
  // of the traceback that ends with the line, or null.
  void Match(std::string_view text, const std::string* frames, std::vector<const Signature*>* found) const;
  // The harmless ones whose pattern the text has.
  void MatchHarmless(std::string_view text, std::vector<const Signature*>* found) const;

 private:
  SignatureSet();

  std::vector<const Signature*> signatures_;  // by their numbers in patterns_
  detect::PatternSet patterns_{detect::PatternSet::kShortWord};
};

// Which lines a reader must keep: all that the diagnosis looks for, its signatures, tracebacks, exits and endings.
const detect::PatternSet& TellingLines();

}  // namespace rankscope::diagnose
