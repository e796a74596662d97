#include "diagnose/slowness/pipeline_stages.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>

namespace rankscope::diagnose {
namespace {

constexpr int64_t kMost = 4096;

// "pipeline_model_parallel_size .... 4", "--pipeline-model-parallel-size 4", "pipeline_parallel_degree = 4",
// "pipeline_parallel": 4.
int64_t SaidAsArgument(const re2::StringPiece& text) {
  static const re2::RE2 kArgument(
      R"re((?i)pipeline[_-](?:model[_-])?parallel(?:[_-](?:size|degree))?["']?(?:\s*[:=]\s*|\s*\.{2,}\s*|\s+)["']?(\d{1,4})\b)re");
  int64_t stages = 1;
  re2::RE2::PartialMatch(text, kArgument, &stages);
  return stages;
}

// DeepSpeed: "RANK=3 STAGE=1 LAYERS=7 [7, 14) STAGE_PARAMS=…".
int64_t SaidAsStage(const re2::StringPiece& text) {
  static const re2::RE2 kStage(R"(\bSTAGE=(\d{1,4}) LAYERS=\d)");
  int64_t stage = 0;
  re2::RE2::PartialMatch(text, kStage, &stage);
  return stage + 1;
}

}  // namespace

int64_t CountPipelineStages(const Reading& reading) {
  int64_t stages = 1;
  for (const LineBody& body : reading.bodies) {
    const re2::StringPiece text(body.text.data(), body.text.size());
    stages = std::max({stages, SaidAsArgument(text), SaidAsStage(text)});
  }
  return std::min(stages, kMost);
}

}  // namespace rankscope::diagnose
