#include <cstdio>

#include "base/file.h"
#include "commands.h"
#include "store/inspect.h"
#include "store/store.h"

namespace rankscope {
namespace {

// A server's data directory, or the store's own folder in it.
std::string StoreFolder(const std::string& directory) {
  bool data_directory = base::ListDirectory(directory + "/store").ok();
  return data_directory ? directory + "/store" : directory;
}

int PrintStats(const store::StoreReport& report) {
  std::printf("%-12s %-32s %12s %14s %8s %9s %7s %10s\n", "PROJECT", "JOB", "RECORDS", "BYTES", "B/REC", "SEGMENTS",
              "BLOCKS", "TEMPLATES");
  for (const store::JobStats& job : report.jobs) {
    std::printf("%-12s %-32s %12lu %14lu %8.1f %9u %7u %10u\n", job.project.c_str(), job.job.c_str(),
                static_cast<unsigned long>(job.records), static_cast<unsigned long>(job.bytes),
                static_cast<double>(job.bytes) / static_cast<double>(job.records), job.segments, job.blocks,
                job.templates);
  }
  return 0;
}

int PrintVerdict(const std::string& folder, const store::StoreReport& report) {
  uint64_t records = 0, bytes = 0;
  for (const store::JobStats& job : report.jobs) {
    records += job.records;
    bytes += job.bytes;
  }
  std::printf("%s: %zu jobs, %lu records, %lu bytes: %s\n", folder.c_str(), report.jobs.size(),
              static_cast<unsigned long>(records), static_cast<unsigned long>(bytes),
              report.damage.empty() ? "every checksum holds" : "damaged");
  return report.damage.empty() ? 0 : 1;
}

int Compact(const std::string& directory, const std::string& folder) {
  auto lock = base::LockFile(directory + "/LOCK");
  if (!lock.ok()) {
    return Fail(base::Status::Unavailable(directory + " is being served: a server merges on its own; stop it first"));
  }
  std::vector<std::string> damage;
  auto store = store::Store::Open(folder, {}, &damage);
  if (!store.ok()) return Fail(store.status());
  for (const std::string& sentence : damage) std::fprintf(stderr, "rankscope: %s\n", sentence.c_str());
  auto status = (*store)->Compact();
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

int StoreCommand(const StoreOptions& options) {
  std::string folder = StoreFolder(options.directory);
  auto report = options.action == "verify" ? store::VerifyStore(folder) : store::InspectStore(folder);
  if (!report.ok()) return Fail(report.status());
  if (options.action == "compact") return Compact(options.directory, folder);
  for (const std::string& sentence : report->damage) std::fprintf(stderr, "rankscope: %s\n", sentence.c_str());
  return options.action == "verify" ? PrintVerdict(folder, *report) : PrintStats(*report);
}

}  // namespace rankscope
