#include "parse/padded_lines.h"

namespace rankscope::parse {

base::Status PaddedLines::Add(std::string_view piece, const Take& take) {
  if (!rest_.empty()) RETURN_IF_ERROR(AddToRest(&piece, take));
  for (size_t end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
    if (piece.size() - end < padding_) {
      RETURN_IF_ERROR(AddToRest(&piece, take));
    } else {
      RETURN_IF_ERROR(take(piece.substr(0, end)));
      piece.remove_prefix(end + 1);
    }
  }
  rest_.append(piece);
  return {};
}

base::Status PaddedLines::End(const Take& take) { return rest_.empty() ? base::Status() : TakeRest(take); }

base::Status PaddedLines::AddToRest(std::string_view* piece, const Take& take) {
  size_t end = piece->find('\n');
  bool whole = end != std::string_view::npos;
  rest_.append(piece->substr(0, end));
  piece->remove_prefix(whole ? end + 1 : piece->size());
  return whole ? TakeRest(take) : base::Status();
}

base::Status PaddedLines::TakeRest(const Take& take) {
  size_t size = rest_.size();
  rest_.append(padding_, '\0');
  base::Status status = take(std::string_view(rest_).substr(0, size));
  rest_.clear();
  return status;
}

}  // namespace rankscope::parse
