#include "agent/ship/sender.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "wire/ingest_service.h"

namespace rankscope::agent {
namespace {

// Takes frames and acknowledges none.
class SlowReceiver : public wire::FrameReceiver {
 public:
  base::Result<uint64_t> Greet(wire::Hello*) override { return 0; }
  void Submit(const wire::Hello&, wire::Frame frame, std::function<void(Outcome)> done) override {
    std::lock_guard lock(mutex_);
    bytes_ += wire::FrameMemory(frame);
    ++frames_;
    held_.push_back(std::move(done));
    changed_.notify_all();
  }
  void SubmitLost(const wire::Hello&, wire::Lost, std::function<void(Outcome)>) override {}
  void Answer(const wire::Hello&, const model::JobAnswer& answer) override {
    std::lock_guard lock(mutex_);
    answered_ = answer.action;
    changed_.notify_all();
  }
  // Whether it came to that in five minutes: a limit for a broken build, never a measure.
  template <typename Condition>
  bool Await(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(5), [&] { return condition(*this); });
  }
  size_t bytes_ = 0, frames_ = 0;
  std::string answered_;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void(Outcome)>> held_;
};

// Says over HTTP where the gRPC server is, to whoever asks.
class Signpost {
 public:
  explicit Signpost(int grpc_port) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    std::string body = R"({"version":"1","grpc":"127.0.0.1:)" + std::to_string(grpc_port) + "\"}";
    answer_ =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    thread_ = std::thread([this] { Serve(); });
  }
  ~Signpost() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void Serve() {
    for (int peer = 0; (peer = accept(listener_, nullptr, nullptr)) >= 0; close(peer)) {
      char request[4096];
      if (read(peer, request, sizeof request) <= 0) continue;
      EXPECT_EQ(write(peer, answer_.data(), answer_.size()), static_cast<ssize_t>(answer_.size()));
    }
  }

  const int listener_;
  int port_ = 0;
  std::string answer_;
  std::thread thread_;
};

// So much that the server holds all it may of the agent's, and more waits.
std::unique_ptr<Spool> FullSpool() {
  std::string folder = testing::TempDir() + "/rankscope_sender_test";
  std::filesystem::remove_all(folder);
  journal::Recovery recovery;
  auto spool = *Spool::Open(folder, &recovery);
  std::minstd_rand random;
  for (int frame = 0; frame < 40; ++frame) {
    std::vector<model::Record> records(100);
    for (model::Record& record : records) {
      for (int word = 0; word < 400; ++word) record.text += std::to_string(random());
    }
    EXPECT_TRUE(spool->Append(&records, {}).ok());
  }
  return spool;
}

TEST(Sender, AnswersDoNotWaitBehindRecordsThatAreNotAcknowledged) {
  SlowReceiver receiver;
  auto server = *wire::IngestServer::Start("127.0.0.1:0", &receiver, "1");
  Signpost signpost(server->port());
  auto spool = FullSpool();
  RunConfig config;
  config.server = signpost.address();
  config.job = "j";
  Sender sender(config, spool.get(), spool->next_seq() - 1, [](const std::string&) {});
  constexpr size_t kMost = wire::IngestServer::kMaxUnacknowledged;
  ASSERT_TRUE(receiver.Await([](const auto& got) { return got.bytes_ > kMost * 3 / 4; }));
  model::JobAnswer answer;
  answer.action = "a-1";
  sender.Answer(answer);
  EXPECT_TRUE(receiver.Await([](const auto& got) { return got.answered_ == "a-1"; }));
  EXPECT_TRUE(receiver.Await([](const auto& got) { return got.bytes_ <= kMost && got.frames_ < 40; }))
      << "and the server is not given more than it wants";
}

}  // namespace
}  // namespace rankscope::agent
