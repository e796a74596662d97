#include "cli/last_words.h"

#include <gtest/gtest.h>

#include "model/event.h"
#include "model/record_batch.h"

namespace rankscope::cli {
namespace {

const char* const kTraceback =
    "Traceback (most recent call last):\n  File \"train.py\", line 5, in main\n    x = d[\"k\"]\nKeyError: 'k'";

model::Record Line(int32_t rank, std::string text, std::optional<int64_t> step = {}) {
  model::Record record;
  record.origin.job = "j";
  record.origin.rank = rank;
  record.text = std::move(text);
  record.step = step;
  return record;
}

std::vector<model::Record> EventsOf(const std::vector<model::Record>& records) {
  model::RecordBatchBuilder builder;
  for (const model::Record& record : records) builder.Add(record);
  auto batch = model::RecordBatch::Decode(builder.Take());
  EXPECT_TRUE(batch.ok());
  LastWords words;
  model::RecordView view;
  for (model::RecordBatch::Cursor cursor(**batch); cursor.Next(&view);) words.Take(view);
  return words.Events();
}

TEST(LastWords, AreATracebackThatNobodyCaught) {
  auto events =
      EventsOf({Line(3, "step 1", 1), Line(3, kTraceback), Line(3, "a destructor warns"), Line(4, "step 2", 2)});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].text, "ends by an uncaught KeyError: 'k'");
  EXPECT_EQ(events[0].origin.rank, 3);
}

TEST(LastWords, AreNoneOfARankThatGoesOn) {
  EXPECT_TRUE(EventsOf({Line(3, kTraceback), Line(3, "step 1", 1)}).empty());
}

TEST(LastWords, AreNoneOfAJobWhoseWatcherTellsHowItsRanksEnd) {
  EXPECT_EQ(EventsOf({model::MakeEvent("job_start", 0, ""), Line(3, kTraceback)}).size(), 1U);  // of another job
  model::Record start = model::MakeEvent("job_start", 0, "");
  start.origin.job = "j";
  EXPECT_TRUE(EventsOf({start, Line(3, kTraceback)}).empty());
  start.fields = model::MakeEvent("duplicate_rank", 0, "").fields;  // the server's word, of whatever it gets
  EXPECT_EQ(EventsOf({start, Line(3, kTraceback)}).size(), 1U);
}

TEST(LastWords, NameTheLastOfChainedExceptionsWithoutItsModule) {
  auto events = EventsOf({Line(0, std::string(kTraceback) +
                                      "\n\nDuring handling of the above exception, another exception occurred:\n\n"
                                      "[rank0]: Traceback (most recent call last):\n[rank0]:   File \"a.py\", line 1\n"
                                      "[rank0]: torch.distributed.DistBackendError: [1]: NCCL. Further")});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].text, "ends by an uncaught DistBackendError: [1]: NCCL. Further");
}

TEST(LastWords, AreNoLaunchersWords) {
  EXPECT_TRUE(EventsOf({Line(0,
                             "Traceback (most recent call last):\n  File \"a.py\", line 1\n"
                             "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ")})
                  .empty());
}

}  // namespace
}  // namespace rankscope::cli
