#include "cli/last_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "model/event.h"
#include "model/record_batch.h"
#include "parse/launcher_prefix.h"

namespace rankscope::cli {
namespace {

// A launcher's words of its ranks' ends, and a person's.
constexpr std::array<std::string_view, 3> kNoRanksOwn = {"ChildFailedError", "CalledProcessError", "KeyboardInterrupt"};

std::string_view WithoutPrefix(std::string_view line) { return line.substr(parse::ReadLinePrefix(line, {}).bytes); }

bool IsTraceback(std::string_view text) {
  return WithoutPrefix(text).starts_with("Traceback (most recent call last):");
}

// "torch.cuda.OutOfMemoryError: why" without the module. Its exception line is the last that is not indented: what it
// says may go on below.
std::string ExceptionOf(std::string_view traceback) {
  std::string_view exception;
  bool in_frames = false;
  while (!traceback.empty()) {
    size_t end = traceback.find('\n');
    std::string_view line = WithoutPrefix(traceback.substr(0, end));
    traceback.remove_prefix(end == std::string_view::npos ? traceback.size() : end + 1);
    bool frame = line.starts_with("  ");
    if (in_frames && !frame) exception = line;
    in_frames = frame;
  }
  size_t name = exception.substr(0, exception.find(':')).rfind('.');
  return std::string(name == std::string_view::npos ? exception : exception.substr(name + 1));
}

bool IsOwn(std::string_view exception) {
  for (std::string_view other : kNoRanksOwn) {
    if (exception.starts_with(other)) return false;
  }
  return !exception.empty();
}

// Of somebody who sees ranks begin and end.
bool IsOfWatcher(const model::RecordView& record) {
  constexpr std::array<std::string_view, 4> kSeen = {"job_start", "rank_start", "rank_exit", "uncaught_exception"};
  const model::FieldView* name = record.stream == model::Stream::kEvent ? record.FindField("event") : nullptr;
  return name && std::find(kSeen.begin(), kSeen.end(), name->text) != kSeen.end();
}

}  // namespace

void LastWords::Take(const model::RecordView& record) {
  const model::Origin& origin = *record.origin;
  if (IsOfWatcher(record)) watched_.insert(origin.job);
  Speaker speaker(origin.job, origin.attempt, origin.node_rank, origin.rank);
  if (record.step) tracebacks_.erase(speaker);
  if (IsTraceback(record.text)) record.CopyTo(&tracebacks_[speaker]);
}

std::vector<model::Record> LastWords::Events() const {
  std::vector<model::Record> events;
  for (const auto& [speaker, traceback] : tracebacks_) {
    std::string exception = ExceptionOf(traceback.text);
    if (!IsOwn(exception) || watched_.contains(traceback.origin.job)) continue;
    events.push_back(model::MakeEvent("uncaught_exception", traceback.time, "ends by an uncaught " + exception));
    events.back().origin = traceback.origin;
    events.back().level = "error";
  }
  return events;
}

base::Status LastWords::PassEvents(const std::function<void(const model::RecordView&)>& take) const {
  const std::vector<model::Record> events = Events();
  if (events.empty()) return {};
  auto batch = model::BatchOf(events);
  model::RecordView view;
  for (model::RecordBatch::Cursor cursor(*batch); cursor.Next(&view);) take(view);
  return {};
}

}  // namespace rankscope::cli
