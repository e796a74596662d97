// Many streams of one process that send frames to a server as fast as it takes them. Reports the rate, how evenly the
// streams were served, the acknowledgements' delay, and the server's CPU time and memory:
//   build/release/bin/rankscope serve --data-dir /tmp/load &
//   build/release/benchmarks/ingest_load --grpc 127.0.0.1:7071 --streams 512 --frame-bytes 4096 --seconds 10
//   --server-pid $!
#include <sys/random.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/file.h"
#include "wire/agent_stream.h"

namespace rankscope {
namespace {

struct Options {
  std::string grpc, job = "load";
  int streams = 512, seconds = 10, server_pid = 0;
  size_t frame_bytes = 4096;
  uint64_t records = 0;
};

// One agent's stream: sends until told to stop, with a bounded number of frames under way.
class Stream {
 public:
  Stream(const Options& options, int rank) : options_(options), rank_(rank) {}

  base::Status Open() {
    wire::Hello hello;
    hello.producer.resize(16);
    if (getrandom(hello.producer.data(), 16, 0) != 16) return base::Status::Internal("no random bytes");
    hello.epoch = 1;
    hello.project = "default";
    hello.job = options_.job;
    hello.host = "load";
    wire::AgentStream::Events events;
    events.acked = [this](uint64_t seq) { OnAck(seq); };
    events.gap = [](uint64_t) {};
    events.command = [](const wire::Command&) {};
    wire::AgentStream::Greeting greeting;
    ASSIGN_OR_RETURN(stream_, wire::AgentStream::Open(options_.grpc, hello, events, &greeting));
    return {};
  }

  void Run(const std::atomic<bool>& stop, std::atomic<uint64_t>* records_left) {
    while (!stop && TakeRoom()) {
      wire::Frame frame = NextFrame();
      if (records_left && records_left->fetch_sub(frame.count) < frame.count) {
        *records_left = 0;
        break;
      }
      {
        std::lock_guard lock(mutex_);
        in_flight_.push_back({frame.last_seq(), base::MonotonicNow(), frame.raw_bytes});
      }
      if (!stream_->Send(frame)) break;
    }
    std::unique_lock lock(mutex_);
    while (!in_flight_.empty() && stream_->status().ok()) changed_.wait_for(lock, std::chrono::milliseconds(100));
  }

  // Why it ended before it was told to; ok otherwise.
  base::Status status() const { return stream_->status(); }
  uint64_t acked_seq() const { return acked_seq_; }
  uint64_t acked_bytes() const { return acked_bytes_; }
  const std::vector<int64_t>& delays() const { return delays_; }

 private:
  static constexpr size_t kMaxInFlight = 16;
  struct Sent {
    uint64_t last_seq;
    int64_t at;
    uint32_t raw_bytes;
  };

  bool TakeRoom() {
    std::unique_lock lock(mutex_);
    while (in_flight_.size() >= kMaxInFlight) {
      changed_.wait_for(lock, std::chrono::seconds(1));
      if (!stream_->status().ok()) return false;
    }
    return true;
  }

  wire::Frame NextFrame() {
    std::vector<model::Record> records;
    for (size_t bytes = 0; bytes < options_.frame_bytes;) {
      model::Record record;
      record.origin.job = options_.job;
      record.origin.rank = rank_;
      record.origin.host = "load";
      record.time = base::WallNow();
      record.seq = ++seq_;
      char text[200];
      int size = std::snprintf(text, sizeof text,
                               "iteration %8lu | elapsed time per iteration (ms): %.1f | learning rate: 1.500E-04 | "
                               "lm loss: %.6E | grad norm: %.3f",
                               seq_, 100 + static_cast<double>(seq_ * 7919 % 1000) / 10,
                               2 + static_cast<double>(seq_ * 104729 % 100000) / 1e5,
                               static_cast<double>(seq_ * 1299709 % 1000) / 1000);
      record.text.assign(text, static_cast<size_t>(size));
      bytes += record.text.size() + 8;
      records.push_back(std::move(record));
    }
    return wire::MakeFrame(records);
  }

  void OnAck(uint64_t seq) {
    std::lock_guard lock(mutex_);
    acked_seq_ = seq;
    while (!in_flight_.empty() && in_flight_.front().last_seq <= seq) {
      delays_.push_back(base::MonotonicNow() - in_flight_.front().at);
      acked_bytes_ += in_flight_.front().raw_bytes;
      in_flight_.pop_front();
    }
    changed_.notify_all();
  }

  const Options& options_;
  const int rank_;
  uint64_t seq_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Sent> in_flight_;
  std::vector<int64_t> delays_;
  std::atomic<uint64_t> acked_seq_{0}, acked_bytes_{0};
  std::unique_ptr<wire::AgentStream> stream_;
};

struct Process {
  double cpu_s = 0;
  long peak_mib = 0;
};

Process Look(int pid) {
  Process process;
  auto stat = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/stat");
  auto status = base::ReadWholeFile("/proc/" + std::to_string(pid) + "/status");
  if (!stat.ok() || !status.ok()) return process;
  long user = 0, system = 0;
  std::sscanf(stat->c_str() + stat->rfind(')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user,
              &system);
  process.cpu_s = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  if (size_t at = status->find("VmHWM:"); at != std::string::npos) {
    process.peak_mib = std::strtol(status->c_str() + at + 6, nullptr, 10) / 1024;
  }
  return process;
}

// The server's CPU time once it has rested for some seconds.
double SettledCpu(int pid) {
  constexpr int kRests = 12;
  constexpr double kRestsBelow = 0.05;
  double last = Look(pid).cpu_s;
  for (int rests = 0; rests < kRests; ++rests) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    double now = Look(pid).cpu_s;
    if (now - last > kRestsBelow) rests = 0;
    last = now;
  }
  return last;
}

void Report(const Options& options, const std::vector<std::unique_ptr<Stream>>& streams, double seconds,
            const Process& before) {
  std::vector<int64_t> delays;
  uint64_t records = 0, bytes = 0, least = ~uint64_t{0}, most = 0;
  for (const auto& stream : streams) {
    delays.insert(delays.end(), stream->delays().begin(), stream->delays().end());
    records += stream->acked_seq();
    bytes += stream->acked_bytes();
    least = std::min(least, stream->acked_seq());
    most = std::max(most, stream->acked_seq());
    if (!stream->status().ok()) std::printf("a stream ended: %s\n", stream->status().message().c_str());
  }
  std::sort(delays.begin(), delays.end());
  auto at = [&](double share) {
    return delays.empty()
               ? 0.0
               : static_cast<double>(delays[static_cast<size_t>(share * static_cast<double>(delays.size() - 1))]) / 1e6;
  };
  std::printf("%zu streams, %.1f s: %lu records acknowledged, %.0f records/s, %.1f MB/s raw, %.0f frames/s\n",
              streams.size(), seconds, records, static_cast<double>(records) / seconds,
              static_cast<double>(bytes) / seconds / 1e6, static_cast<double>(delays.size()) / seconds);
  std::printf(
      "records of a stream: least %lu, most %lu; acknowledged after p50 %.1f ms, p99 %.1f ms, at most %.1f ms\n", least,
      most, at(0.5), at(0.99), at(1));
  if (options.server_pid == 0) return;
  Process after = Look(options.server_pid);
  std::printf("server: %.2f cores, memory at most %ld MiB (%ld before)\n", (after.cpu_s - before.cpu_s) / seconds,
              after.peak_mib, before.peak_mib);
  double settled = SettledCpu(options.server_pid) - before.cpu_s;
  std::printf("everything sealed and merged: %.2f s of CPU, %.0f records per CPU second\n", settled,
              static_cast<double>(records) / settled);
}

int Load(const Options& options) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::make_unique<Stream>(options, i));
    if (auto status = streams.back()->Open(); !status.ok()) {
      std::fprintf(stderr, "ingest_load: stream %d: %s\n", i, status.message().c_str());
      return 1;
    }
  }
  Process before = Look(options.server_pid);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> records_left{options.records};
  int64_t began = base::MonotonicNow();
  std::vector<std::thread> threads;
  for (auto& stream : streams) {
    threads.emplace_back([&] { stream->Run(stop, options.records > 0 ? &records_left : nullptr); });
  }
  if (options.records == 0) {
    std::this_thread::sleep_for(std::chrono::seconds(options.seconds));
    stop = true;
  }
  for (std::thread& thread : threads) thread.join();
  Report(options, streams, static_cast<double>(base::MonotonicNow() - began) / 1e9, before);
  return 0;
}

}  // namespace
}  // namespace rankscope

int main(int argc, char** argv) {
  rankscope::Options options;
  CLI::App app("Loads a server's ingest with many streams");
  app.add_option("--grpc", options.grpc, "the server's gRPC address")->required();
  app.add_option("--streams", options.streams)->capture_default_str();
  app.add_option("--frame-bytes", options.frame_bytes, "raw bytes of a frame")->capture_default_str();
  app.add_option("--seconds", options.seconds)->capture_default_str();
  app.add_option("--records", options.records, "stop after so many instead");
  app.add_option("--job", options.job)->capture_default_str();
  app.add_option("--server-pid", options.server_pid, "report its CPU time and memory");
  CLI11_PARSE(app, argc, argv);
  return rankscope::Load(options);
}
