#include "api/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>

#include "base/file.h"

namespace rankscope::api {
namespace {

base::UniqueFd Connect(uint16_t port) {
  base::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

void Ask(int fd, const std::string& path, const std::string& body = "") {
  std::string request = (body.empty() ? "GET " : "POST ") + path +
                        " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                        "\r\nConnection: close\r\n\r\n" + body;
  ASSERT_TRUE(base::WriteFully(fd, request).ok());
}

// Reads until `wanted` appears or the connection ends.
std::string ReadUntil(int fd, const std::string& wanted) {
  std::string got;
  char buffer[4096];
  while (got.find(wanted) == std::string::npos) {
    ssize_t count = read(fd, buffer, sizeof buffer);
    if (count <= 0) break;
    got.append(buffer, static_cast<size_t>(count));
  }
  return got;
}

// Open answers that the test writes to; counts those whose client has left.
class LiveAnswers {
 public:
  HttpServer::Handler handler() {
    return [this](const Request& request, std::shared_ptr<Responder> responder) {
      responder->Begin(200, "text/plain");
      responder->OnClosed([this] {
        std::lock_guard lock(mutex_);
        ++left;
        changed_.notify_all();
      });
      if (request.path == "/echo") {
        responder->Write(request.body + request.query.at("x"));
        responder->End();
        return;
      }
      std::lock_guard lock(mutex_);
      open.push_back(std::move(responder));
      changed_.notify_all();
    };
  }
  void Await(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
  }
  std::vector<std::shared_ptr<Responder>> open;
  int left = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST(HttpServer, EchoesBodyAndDecodedParameters) {
  LiveAnswers answers;
  auto server = HttpServer::Start({}, answers.handler());
  ASSERT_TRUE(server.ok()) << server.status().message();
  base::UniqueFd client = Connect((*server)->port());
  Ask(client.get(), "/echo?x=a%20b", std::string(200000, 'y'));
  std::string got = ReadUntil(client.get(), "a b");
  EXPECT_NE(got.find("200 OK"), std::string::npos);
  EXPECT_NE(got.find("yyya b"), std::string::npos);
}

TEST(HttpServer, UrlThatCannotBeReadIsRefusedAndNotGuessed) {
  LiveAnswers answers;
  auto server = HttpServer::Start({}, answers.handler(), [](const Request&, const std::shared_ptr<Responder>&) {
    ADD_FAILURE() << "somebody takes the body";
    return nullptr;
  });
  ASSERT_TRUE(server.ok());
  for (const auto& [url, error] :
       std::map<std::string, std::string>{{"/echo?x=%zz", "parameter x: want two hexadecimal digits"},
                                          {"/echo?x=1&x=1", "parameter x is there twice"},
                                          {"/echo%0", "the path: want two hexadecimal digits"},
                                          {"/echo?x=a%00b", "parameter x: want two hexadecimal digits"}}) {
    base::UniqueFd client = Connect((*server)->port());
    Ask(client.get(), url, "body");
    std::string got = ReadUntil(client.get(), "}\n");
    EXPECT_NE(got.find("400 Bad Request"), std::string::npos) << url;
    EXPECT_NE(got.find("{\"error\":\"" + error), std::string::npos) << got;
  }
}

TEST(HttpServer, ThousandOpenAnswersNeedNoThreadEach) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  LiveAnswers answers;
  HttpServer::Options options;
  options.max_threads = 8;
  auto server = HttpServer::Start(options, answers.handler());
  ASSERT_TRUE(server.ok());
  std::vector<base::UniqueFd> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(Connect((*server)->port()));
    Ask(clients.back().get(), "/live");
  }
  answers.Await([&] { return answers.open.size() == 1000; });
  for (auto& responder : answers.open) EXPECT_TRUE(responder->TryWrite("news\n"));
  for (auto& client : clients) EXPECT_NE(ReadUntil(client.get(), "news").find("news"), std::string::npos);
  auto threads = std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  EXPECT_LE(threads, 16);
  for (auto& responder : answers.open) responder->End();
}

TEST(HttpServer, ClientThatLeftIsNoticedByTheNextWrites) {
  LiveAnswers answers;
  auto server = HttpServer::Start({}, answers.handler());
  ASSERT_TRUE(server.ok());
  base::UniqueFd client = Connect((*server)->port());
  Ask(client.get(), "/live");
  answers.Await([&] { return answers.open.size() == 1; });
  client.reset();
  while (answers.open[0]->Write("x")) {
  }
  answers.Await([&] { return answers.left == 1; });
}

TEST(HttpServer, ClientThatLeavesBeforeItsAnswerBeginsIsNoticed) {
  std::promise<void> asked, left;
  std::promise<bool> noticed;
  auto server = HttpServer::Start({}, [&](const Request&, const std::shared_ptr<Responder>& responder) {
    responder->OnClosed([&] { left.set_value(); });
    asked.set_value();
    noticed.set_value(left.get_future().wait_for(std::chrono::minutes(5)) == std::future_status::ready);
    responder->Begin(200, "text/plain");
    responder->End();
  });
  ASSERT_TRUE(server.ok());
  base::UniqueFd client = Connect((*server)->port());
  Ask(client.get(), "/slow");
  asked.get_future().wait();
  client.reset();
  EXPECT_TRUE(noticed.get_future().get());
}

TEST(HttpServer, ClientThatOnlyShutsItsSendingSideDownHasItsAnswer) {
  LiveAnswers answers;
  auto server = HttpServer::Start({}, answers.handler());
  ASSERT_TRUE(server.ok());
  for (int i = 0; i < 20; ++i) {
    base::UniqueFd client = Connect((*server)->port());
    Ask(client.get(), "/echo?x=all", "is ");
    ASSERT_EQ(shutdown(client.get(), SHUT_WR), 0);
    EXPECT_NE(ReadUntil(client.get(), "is all").find("is all"), std::string::npos);
  }
}

// "/flood" is written until its client counts as gone.
HttpServer::Handler Flood() {
  return [](const Request& request, const std::shared_ptr<Responder>& responder) {
    responder->Begin(200, "text/plain");
    responder->Write("begun\n");
    while (request.path == "/flood" && responder->Write(std::string(1 << 16, 'x'))) {
    }
    responder->End();
  };
}

TEST(HttpServer, ReadersThatPauseKeepNobodyElsesShortAnswer) {
  HttpServer::Options options;
  options.max_threads = 4;
  options.is_short = [](const Request& request) { return request.path == "/short"; };
  auto server = HttpServer::Start(options, Flood());
  ASSERT_TRUE(server.ok());
  std::vector<base::UniqueFd> paused;
  for (int i = 0; i < 8; ++i) {
    paused.push_back(Connect((*server)->port()));
    Ask(paused.back().get(), "/flood");
  }
  for (int i = 0; i < 4; ++i) ReadUntil(paused[static_cast<size_t>(i)].get(), "begun");
  base::UniqueFd client = Connect((*server)->port());
  Ask(client.get(), "/short");
  EXPECT_NE(ReadUntil(client.get(), "begun").find("200 OK"), std::string::npos);
}

TEST(HttpServer, ReaderThatReadsNothingForTheIdleTimeoutIsGone) {
  HttpServer::Options options;
  options.max_threads = 1;
  options.idle_timeout_s = 1;
  auto server = HttpServer::Start(options, Flood());
  ASSERT_TRUE(server.ok());
  base::UniqueFd paused = Connect((*server)->port()), other = Connect((*server)->port());
  Ask(paused.get(), "/flood");
  ReadUntil(paused.get(), "begun");
  Ask(other.get(), "/other");  // waits for the thread
  EXPECT_NE(ReadUntil(other.get(), "begun").find("200 OK"), std::string::npos);
}

TEST(HttpServer, StopBreaksOffWhatIsHalfWritten) {
  auto server = HttpServer::Start({}, Flood());
  ASSERT_TRUE(server.ok());
  base::UniqueFd client = Connect((*server)->port());
  Ask(client.get(), "/flood");
  ReadUntil(client.get(), "begun");
  (*server)->Stop();
  EXPECT_EQ(ReadUntil(client.get(), "\r\n0\r\n\r\n").find("\r\n0\r\n\r\n"), std::string::npos);
}

// Says how many there are.
class CountedConsumer : public BodyConsumer {
 public:
  CountedConsumer(std::atomic<int>* alive, std::shared_ptr<Responder> responder)
      : alive_(alive), responder_(std::move(responder)) {
    ++*alive_;
  }
  ~CountedConsumer() override { --*alive_; }
  Next Take(std::string_view) override { return Next::kWait; }
  void End() override {}

 private:
  std::atomic<int>* alive_;
  std::shared_ptr<Responder> responder_;
};

TEST(HttpServer, StopLeavesNoHalfReadBodyBehind) {
  std::atomic<int> alive{0};
  auto server = HttpServer::Start({}, nullptr, [&](const Request&, std::shared_ptr<Responder> responder) {
    return std::make_unique<CountedConsumer>(&alive, std::move(responder));
  });
  ASSERT_TRUE(server.ok());
  std::vector<base::UniqueFd> clients;
  for (int i = 0; i < 32; ++i) {
    clients.push_back(Connect((*server)->port()));
    std::string half = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf";
    ASSERT_TRUE(base::WriteFully(clients.back().get(), half).ok());
  }
  while (alive < 32) std::this_thread::yield();
  (*server)->Stop();
  EXPECT_EQ(alive, 0);
}

TEST(HttpServer, PortInUseIsSaid) {
  LiveAnswers answers;
  auto first = HttpServer::Start({}, answers.handler());
  ASSERT_TRUE(first.ok());
  HttpServer::Options options;
  options.port = (*first)->port();
  auto second = HttpServer::Start(options, answers.handler());
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.status().message().find(std::to_string(options.port)), std::string::npos);
}

}  // namespace
}  // namespace rankscope::api
