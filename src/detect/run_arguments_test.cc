#include <gtest/gtest.h>

#include <random>

#include "detect/detectors/declared_schedule.h"
#include "detect/parallelism.h"
#include "detect/watches/batch_shape.h"

namespace rankscope::detect {
namespace {

// An event with text fields; the texts must outlive it.
model::RecordView EventOf(std::initializer_list<std::pair<std::string_view, std::string_view>> texts) {
  model::RecordView event;
  event.stream = model::Stream::kEvent;
  for (const auto& [name, text] : texts) {
    model::FieldView field;
    field.name = name;
    field.kind = model::FieldView::Kind::kText;
    field.text = text;
    event.fields.push_back(field);
  }
  return event;
}

std::optional<DeclaredSchedule> Declared(std::string_view arguments, double total_steps) {
  model::RecordView event = EventOf({{"event", "training_arguments"}, {"arguments", arguments}});
  model::FieldView total;
  total.name = "total_steps";
  total.number = total_steps;
  event.fields.push_back(total);
  return ScheduleOf(event);
}

TEST(DeclaredSchedule, HasTheFormsOfTransformers) {
  auto linear = Declared(
      R"({"learning_rate": 2e-05, "lr_scheduler_type": "linear", "lr_scheduler_kwargs": {}, "warmup_steps": 10})", 110);
  ASSERT_TRUE(linear);
  EXPECT_DOUBLE_EQ(linear->At(5), 1e-5);
  EXPECT_DOUBLE_EQ(linear->At(60), 1e-5);
  EXPECT_DOUBLE_EQ(linear->At(110), 0);
  auto cosine = Declared(R"({"learning_rate": 1e-4, "warmup_ratio": 0.1, "lr_scheduler_type": "cosine"})", 1000);
  ASSERT_TRUE(cosine);
  EXPECT_DOUBLE_EQ(cosine->At(50), 0.5e-4);
  EXPECT_DOUBLE_EQ(cosine->At(550), 0.5e-4);
  auto ratio = Declared(R"({"learning_rate": 1e-4, "warmup_steps": 0.1, "lr_scheduler_type": "cosine"})", 1000);
  ASSERT_TRUE(ratio) << "as transformers 5 says it";
  EXPECT_DOUBLE_EQ(ratio->warmup_steps, 100);
  auto root = Declared(R"({"learning_rate": 1e-4, "warmup_steps": 100, "lr_scheduler_type": "inverse_sqrt"})", 1000);
  ASSERT_TRUE(root);
  EXPECT_DOUBLE_EQ(root->At(400), 0.5e-4);
}

TEST(DeclaredSchedule, IsNotGuessed) {
  EXPECT_FALSE(Declared(R"({"learning_rate": 1e-4, "lr_scheduler_type": "cosine_with_min_lr"})", 100));
  EXPECT_FALSE(Declared(
      R"({"learning_rate": 1e-4, "lr_scheduler_type": "polynomial", "lr_scheduler_kwargs": {"power": 2}})", 100));
  EXPECT_FALSE(Declared(R"({"learning_rate": 1e-4, "lr_scheduler_type": "linear"})", -1));
  EXPECT_FALSE(Declared("{", 100));
}

TEST(Parallelism, GroupsRanksThatComputeTheSame) {
  Parallelism parallelism;
  parallelism.Take(EventOf({{"event", "run_start"}, {"tensor_parallel", "2"}, {"pipeline_parallel", "2"}}));
  EXPECT_EQ(parallelism.GroupOf(0, 16), parallelism.GroupOf(6, 16));
  EXPECT_NE(parallelism.GroupOf(0, 16), parallelism.GroupOf(1, 16)) << "another part of the tensors";
  EXPECT_NE(parallelism.GroupOf(0, 16), parallelism.GroupOf(8, 16)) << "another stage";
  parallelism.Take(EventOf({{"pipeline_parallel", "nonsense"}, {"tensor_parallel", "-1"}}));
  EXPECT_EQ(parallelism.stages, 2);
  EXPECT_EQ(parallelism.tensor, 2);
}

TEST(BatchShape, ChangesWhenBatchesAreLargerForGood) {
  BatchShape shape;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(shape.Take(Point::Of(1000 + i % 3, i, i)));
  EXPECT_FALSE(shape.Take(Point::Of(2000, 20, 20)));
  EXPECT_FALSE(shape.Take(Point::Of(1000, 21, 21))) << "one batch is no change";
  EXPECT_FALSE(shape.Take(Point::Of(2000, 22, 22)));
  EXPECT_FALSE(shape.Take(Point::Of(2000, 23, 23)));
  EXPECT_TRUE(shape.Take(Point::Of(2000, 24, 24)));
  EXPECT_FALSE(shape.Take(Point::Of(2000, 25, 25)));
}

TEST(BatchShape, KnowsThatBatchesVary) {
  BatchShape shape;
  for (int i = 0; i < 400; ++i) EXPECT_FALSE(shape.Take(Point::Of(1000 + 300 * ((i * 7919) % 11 - 5) / 5.0, i, i)));
}

// Windows of speeds begin anew with each change: slow decays were not seen for it.
TEST(BatchShape, TakesAFewOddBatchesInARowForNoChange) {
  BatchShape shape;
  std::mt19937 random(5);
  int changes = 0;
  for (int i = 0; i < 20000; ++i) {
    double sum = 0;  // of twelve: nearly normal, of a deviation of 1
    for (int j = 0; j < 12; ++j) sum += static_cast<double>(random()) / 4294967296.0 - 0.5;
    changes += shape.Take(Point::Of(1000 * (1 + 0.25 * sum), i, i)) ? 1 : 0;
  }
  EXPECT_LE(changes, 8) << "three in a row alone were more than a hundred";
}

}  // namespace
}  // namespace rankscope::detect
