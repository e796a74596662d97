#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "diagnose/case/plain_tree.h"

namespace rankscope::diagnose {
namespace {

using Kind = PlainTree::Kind;
using Node = PlainTree::Node;
using Place = PlainTree::Place;

// Those that plain containers, texts and numbers are written with; none makes or calls an object.
enum Opcode : uint8_t {
  kProto = 0x80,
  kFrame = 0x95,
  kStop = '.',
  kMark = '(',
  kEmptyDict = '}',
  kEmptyList = ']',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kAppend = 'a',
  kAppends = 'e',
  kSetItem = 's',
  kSetItems = 'u',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kBinGet = 'h',
  kLongBinGet = 'j',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8c,
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong1 = 0x8a,
  kBinFloat = 'G',
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
};

class Machine {
 public:
  explicit Machine(std::string_view bytes) : bytes_(bytes) {}

  base::Result<PlainTree> Run() {
    while (at_ < bytes_.size()) {
      opcode_at_ = at_;
      auto opcode = static_cast<uint8_t>(bytes_[at_++]);
      if (opcode == kStop) return Stop();
      RETURN_IF_ERROR(Do(opcode));
      if (tree_.size() > PlainTree::kMostNodes) return Wrong("too many values");
    }
    return Wrong("cut off");
  }

 private:
  base::Status Wrong(const std::string& what) const {
    return base::Status::Invalid("pickle: " + what + " at byte " + std::to_string(opcode_at_));
  }

  base::Result<PlainTree> Stop() {
    if (stack_.size() != 1 || !marks_.empty()) return Wrong("not one value at its end");
    tree_.SetRoot(stack_.front());
    return std::move(tree_);
  }

  base::Status Do(uint8_t opcode) {
    switch (opcode) {
      case kProto:
      case kFrame:
        return Number(opcode == kProto ? 1 : 8).status();
      case kMark:
        marks_.push_back(stack_.size());
        return {};
      case kEmptyDict:
        return Push({Kind::kDict, 0, 0, {}, {}});
      case kEmptyList:
      case kEmptyTuple:
        return Push({Kind::kList, 0, 0, {}, {}});
      case kTuple1:
      case kTuple2:
      case kTuple3:
        return Tuple(opcode - kTuple1 + 1U);
      case kNone:
        return Push({});
      case kNewTrue:
      case kNewFalse:
        return Push({Kind::kBool, opcode == kNewTrue, 0, {}, {}});
      default:
        return DoNumber(opcode);
    }
  }

  base::Status DoNumber(uint8_t opcode) {
    switch (opcode) {
      case kBinInt:
        return Integer(4, true);
      case kBinInt1:
        return Integer(1, false);
      case kBinInt2:
        return Integer(2, false);
      case kLong1: {
        ASSIGN_OR_RETURN(uint64_t size, Number(1));
        return size <= 8 ? Integer(size, true) : Wrong("a number of more than 64 bits");
      }
      case kBinFloat:
        return Real();
      case kBinUnicode:
        return Text(4);
      case kShortBinUnicode:
        return Text(1);
      default:
        return DoMarked(opcode);
    }
  }

  base::Status DoMarked(uint8_t opcode) {
    switch (opcode) {
      case kTuple: {
        ASSIGN_OR_RETURN(size_t count, Marked());
        return Tuple(count);
      }
      case kAppends:
      case kSetItems: {
        ASSIGN_OR_RETURN(size_t count, Marked());
        return Extend(opcode == kAppends ? Kind::kList : Kind::kDict, count);
      }
      case kAppend:
        return Extend(Kind::kList, 1);
      case kSetItem:
        return Extend(Kind::kDict, 2);
      default:
        return DoMemo(opcode);
    }
  }

  base::Status DoMemo(uint8_t opcode) {
    uint64_t key = memo_.size();
    if (opcode != kMemoize) {
      bool known = opcode == kBinPut || opcode == kLongBinPut || opcode == kBinGet || opcode == kLongBinGet;
      if (!known) return Wrong("opcode " + std::to_string(opcode) + ", which no plain value needs,");
      ASSIGN_OR_RETURN(key, Number(opcode == kBinPut || opcode == kBinGet ? 1 : 4));
    }
    if (opcode == kBinGet || opcode == kLongBinGet) {
      auto known = memo_.find(key);
      if (known == memo_.end()) return Wrong("a value that was not written");
      stack_.push_back(known->second);
      return {};
    }
    if (stack_.empty()) return Wrong("nothing to remember");
    memo_[key] = stack_.back();
    return {};
  }

  // The little-endian number of so many bytes.
  base::Result<uint64_t> Number(size_t size) {
    if (bytes_.size() - at_ < size) return Wrong("cut off");
    uint64_t number = 0;
    std::memcpy(&number, bytes_.data() + at_, size);
    at_ += size;
    return number;
  }

  base::Status Push(Node node) {
    stack_.push_back(tree_.Add(std::move(node)));
    return {};
  }

  base::Status Integer(size_t size, bool sign) {
    ASSIGN_OR_RETURN(uint64_t number, Number(size));
    size_t unused = 64 - 8 * size;
    int64_t value = size == 0 ? 0 : static_cast<int64_t>(number << unused) >> unused;
    return Push({Kind::kInteger, sign ? value : static_cast<int64_t>(number), 0, {}, {}});
  }

  base::Status Real() {
    ASSIGN_OR_RETURN(uint64_t number, Number(8));
    number = __builtin_bswap64(number);
    double real = 0;
    std::memcpy(&real, &number, sizeof real);
    return Push({Kind::kReal, 0, real, {}, {}});
  }

  base::Status Text(size_t size_bytes) {
    ASSIGN_OR_RETURN(uint64_t size, Number(size_bytes));
    if (bytes_.size() - at_ < size) return Wrong("cut off");
    std::string text(bytes_.substr(at_, size));
    at_ += size;
    return Push({Kind::kText, 0, 0, std::move(text), {}});
  }

  // How many values stand on the stack since the last mark, which goes.
  base::Result<size_t> Marked() {
    if (marks_.empty() || marks_.back() > stack_.size()) return Wrong("no mark");
    size_t count = stack_.size() - marks_.back();
    marks_.pop_back();
    return count;
  }

  base::Status Tuple(size_t count) {
    if (stack_.size() < count) return Wrong("nothing on the stack");
    Node tuple{Kind::kList, 0, 0, {}, {stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end()}};
    stack_.resize(stack_.size() - count);
    return Push(std::move(tuple));
  }

  // Moves the last values of the stack into the container below them.
  base::Status Extend(Kind kind, size_t count) {
    if (stack_.size() < count + 1 || (kind == Kind::kDict && count % 2 != 0)) return Wrong("nothing on the stack");
    auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    Node& container = tree_.Change(*(first - 1));
    if (container.kind != kind) return Wrong("no container of that kind");
    container.items.insert(container.items.end(), first, stack_.end());
    stack_.resize(stack_.size() - count);
    return {};
  }

  std::string_view bytes_;
  size_t at_ = 0, opcode_at_ = 0;
  PlainTree tree_;
  std::vector<Place> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Place> memo_;
};

}  // namespace

base::Result<PlainTree> ReadPickle(std::string_view bytes) { return Machine(bytes).Run(); }

}  // namespace rankscope::diagnose
