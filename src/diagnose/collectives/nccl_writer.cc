#include "diagnose/collectives/nccl_writer.h"

#include <re2/re2.h>

#include <map>
#include <set>
#include <string>
#include <utility>

namespace rankscope::diagnose {
namespace {

struct Writing {
  std::string host, pid;
  int32_t device = 0;
};

bool ReadWriting(std::string_view text, Writing* writing) {
  static const re2::RE2 kPrefix(R"(([\w.-]+):(\d+):\d+ \[(\d{1,4})\] (?:[\w./]+:\d+ )?NCCL )");
  return text.find(" NCCL ") != std::string_view::npos &&
         re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kPrefix, &writing->host, &writing->pid,
                                &writing->device);
}

// What NCCL's lines tell of the processes that wrote them.
class Writers {
 public:
  explicit Writers(const Reading& reading) {
    Writing writing;
    for (size_t i = 0; i < reading.bodies.size(); ++i) {
      if (ReadWriting(reading.text(i), &writing)) Learn(writing, reading.text(i));
    }
  }

  std::optional<int32_t> RankOf(const Writing& writing) const {
    auto told = ranks_.find({writing.host, writing.pid});
    if (told != ranks_.end()) return told->second.second;
    const bool tells = hosts_.size() == 1 && devices_.size() == processes_.size() && devices_.size() > 1;
    return tells ? std::optional(writing.device) : std::nullopt;
  }

 private:
  using Process = std::pair<std::string, std::string>;  // host, pid

  // Of its communicators the largest is that of all ranks.
  void Learn(const Writing& writing, std::string_view text) {
    static const re2::RE2 kComm(R"(comm 0x[0-9a-f]+ rank (\d{1,6}) n[Rr]anks (\d{1,6}))");
    const Process process(writing.host, writing.pid);
    hosts_.insert(writing.host);
    processes_.insert(process);
    devices_.insert(writing.device);
    int32_t rank = 0, ranks = 0;
    if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kComm, &rank, &ranks)) return;
    auto& known = ranks_.try_emplace(process, 0, rank).first->second;
    if (ranks > known.first) known = {ranks, rank};
  }

  std::set<std::string> hosts_;
  std::set<Process> processes_;
  std::set<int32_t> devices_;
  std::map<Process, std::pair<int32_t, int32_t>> ranks_;  // how many the communicator has, and its own
};

}  // namespace

std::optional<int32_t> RankOfNcclLine(const Reading& reading, size_t line) {
  Writing writing;
  if (!ReadWriting(reading.text(line), &writing)) return std::nullopt;
  return Writers(reading).RankOf(writing);
}

}  // namespace rankscope::diagnose
