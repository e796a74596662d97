#include "api/tail.h"

#include <gtest/gtest.h>

#include "query/testing/naive_source.h"

namespace rankscope::api {
namespace {

// Its records are appended by hand: read from then on, and handed over when the test says so.
class AppendedSource : public query::NaiveSource {
 public:
  uint64_t Subscribe(std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take) override {
    take_ = std::move(take);
    return 1;
  }
  void HandOver(const std::vector<model::Record>& batch) const {
    model::RecordBatchBuilder builder;
    for (const model::Record& record : batch) builder.Add(record);
    take_(*model::RecordBatch::Decode(builder.Take()));
  }

 private:
  std::function<void(const std::shared_ptr<const model::RecordBatch>&)> take_;
};

// Keeps what a client would get.
class KeepingResponder : public Responder {
 public:
  void Begin(int /*status*/, std::string_view /*content_type*/) override {}
  bool Write(std::string_view bytes) override {
    std::lock_guard lock(mutex_);
    said_ += bytes;
    changed_.notify_all();
    return true;
  }
  bool TryWrite(std::string_view bytes) override { return Write(bytes); }
  void End() override {}
  void OnClosed(std::function<void()> /*closed*/) override {}

  // The messages of the lines so far, once one of them is `last`.
  std::string Await(std::string_view last) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return said_.find(Message(last)) != std::string::npos; });
    std::string messages;
    for (size_t at = 0; (at = said_.find(kKey, at)) != std::string::npos;) {
      at += kKey.size();
      messages += said_.substr(at, said_.find('"', at) - at) + " ";
    }
    return messages;
  }

 private:
  static constexpr std::string_view kKey = R"("msg":")";
  static std::string Message(std::string_view text) { return std::string(kKey).append(text) + "\""; }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string said_;
};

class TailTest : public testing::Test {
 protected:
  // "1", "2", … from the seq after the last one; each a millisecond later, or all at one time.
  std::vector<model::Record> Lines(uint64_t count, base::TimeNs apart = base::kNsPerMs) {
    std::vector<model::Record> lines(count);
    for (model::Record& line : lines) {
      line.origin.job = "j";
      line.seq = ++seq_;
      line.time = time_ += apart;
      line.text = std::to_string(seq_);
    }
    return lines;
  }
  std::shared_ptr<KeepingResponder> Follow(uint64_t last) {
    auto responder = std::make_shared<KeepingResponder>();
    EXPECT_TRUE(hub_.Serve({}, last, TailHub::Format::kLines, responder).ok());
    return responder;
  }
  void Append(const std::vector<model::Record>& batch) {
    source_.records.insert(source_.records.end(), batch.begin(), batch.end());
  }

  uint64_t seq_ = 0;
  base::TimeNs time_ = base::kNsPerSecond;
  AppendedSource source_;
  TailHub hub_{&source_};
};

TEST_F(TailTest, SendsNothingOlderBehindItsHistoryOfABatchThatTheScanFoundFirst) {
  for (base::TimeNs apart : {base::kNsPerMs, int64_t{0}}) {
    const auto found = Lines(5, apart), later = Lines(1);
    Append(found);
    const std::string wanted =
        found[3].text + " " + found[4].text + " " + later[0].text + " ";  // the last two, and what comes
    auto client = Follow(2);
    source_.HandOver(found);
    Append(later);
    source_.HandOver(later);
    EXPECT_EQ(client->Await(later[0].text), wanted);
  }
}

TEST_F(TailTest, SendsWhatIsOlderWhereItsHistoryIsShorterThanAskedFor) {
  const auto found = Lines(2), late = Lines(1);
  Append(late);
  auto client = Follow(3);
  source_.HandOver(late);
  source_.HandOver(found);  // of another node, that was away
  EXPECT_EQ(client->Await("2"), "3 1 2 ");
}

}  // namespace
}  // namespace rankscope::api
