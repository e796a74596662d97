#include "diagnose/case/error_file.h"

#include "diagnose/case/plain_tree.h"

namespace rankscope::diagnose {

base::Result<ErrorFile> ParseErrorFile(std::string_view bytes) {
  ASSIGN_OR_RETURN(PlainTree tree, ReadJson(bytes));
  const PlainTree::Node* message = tree.Find(tree.root(), "message");
  if (message == nullptr) return base::Status::Invalid("no error file: it has no message");
  const PlainTree::Node* inner = tree.Find(*message, "message");
  const PlainTree::Node* extra = tree.Find(inner != nullptr ? *message : tree.root(), "extraInfo");
  const PlainTree::Node& details = extra != nullptr ? *extra : tree.root();
  ErrorFile read;
  read.message = tree.Text(inner != nullptr ? inner : message);
  read.callstack = tree.Text(tree.Find(details, "py_callstack"));
  auto seconds = tree.Integer(tree.Find(details, "timestamp"));
  bool plausible = seconds && *seconds > 0 && *seconds < (int64_t{1} << 33);
  if (plausible) read.time = *seconds * base::kNsPerSecond;
  if (auto code = tree.Integer(tree.Find(*message, "errorCode"))) read.exit_code = static_cast<int32_t>(*code);
  if (read.message.empty()) return base::Status::Invalid("no error file: its message is no text");
  return read;
}

}  // namespace rankscope::diagnose
