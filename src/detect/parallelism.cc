#include "detect/parallelism.h"

#include <algorithm>
#include <charconv>

namespace rankscope::detect {
namespace {

constexpr int64_t kMost = 1 << 20;

void TakeDegree(const model::RecordView& event, std::string_view name, int64_t* degree) {
  const model::FieldView* field = event.FindField(name);
  if (!field) return;
  int64_t value = field->integer;
  if (field->kind == model::FieldView::Kind::kDouble) value = static_cast<int64_t>(std::clamp(field->number, 0.0, 1e6));
  if (field->kind == model::FieldView::Kind::kText) {
    value = 0;
    std::from_chars(field->text.data(), field->text.data() + field->text.size(), value);
  }
  if (value >= 1 && value <= kMost) *degree = value;
}

}  // namespace

void Parallelism::Take(const model::RecordView& event) {
  if (event.stream != model::Stream::kEvent) return;
  TakeDegree(event, "tensor_parallel", &tensor);
  TakeDegree(event, "context_parallel", &context);
  TakeDegree(event, "pipeline_parallel", &stages);
}

int64_t Parallelism::GroupOf(int64_t rank, int64_t world) const {
  int64_t inner = tensor * context, stage_ranks = std::max<int64_t>(1, world / stages);
  return rank / stage_ranks * inner + rank % inner;
}

}  // namespace rankscope::detect
