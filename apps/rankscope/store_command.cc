#include <cstdio>
#include <filesystem>

#include "base/file.h"
#include "cli/named_input.h"
#include "commands.h"
#include "store/inspect.h"
#include "store/store.h"

namespace rankscope {
namespace {

// The stores of a server's data directory, one a project; or the one that the directory is.
std::vector<std::string> StoreFolders(const std::string& directory) {
  std::vector<std::string> folders;
  auto projects = base::ListDirectory(directory + "/projects");
  for (const std::string& project : projects.ok() ? *projects : std::vector<std::string>()) {
    std::string folder = (std::filesystem::path(directory) / "projects" / project / "store").string();
    if (base::ListDirectory(folder).ok()) folders.push_back(std::move(folder));
  }
  if (folders.empty()) folders.push_back(directory);
  return folders;
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

// Of PROJECT/store.
std::string ProjectOf(const std::string& folder) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(folder, ignored).parent_path().filename().string();
}

base::Status Compact(const std::string& folder) {
  std::vector<std::string> damage;
  ASSIGN_OR_RETURN(auto store, store::Store::Open(folder, {.project = ProjectOf(folder)}, &damage));
  for (const std::string& sentence : damage) std::fprintf(stderr, "rankscope: %s\n", sentence.c_str());
  return store->Compact();
}

int CompactAll(const std::string& directory, const std::vector<std::string>& folders) {
  auto lock = base::LockFile(directory + "/LOCK");
  if (!lock.ok()) {
    return Fail(base::Status::Unavailable(directory + " is being served: a server merges on its own; stop it first"));
  }
  for (const std::string& folder : folders) {
    if (auto status = Compact(folder); !status.ok()) return Fail(status);
  }
  return 0;
}

}  // namespace

int StoreCommand(const StoreOptions& options) {
  std::vector<std::string> folders = StoreFolders(options.directory);
  if (options.action == "compact") return CompactAll(options.directory, folders);
  int code = 0;
  for (const std::string& folder : folders) {
    auto report = options.action == "verify" ? store::VerifyStore(folder) : store::InspectStore(folder);
    if (report.status().code() == base::Code::kNotFound && folders.size() > 1) continue;  // nothing was sealed yet
    if (!report.ok()) return Fail(cli::Unreadable(report.status()));
    for (const std::string& sentence : report->damage) std::fprintf(stderr, "rankscope: %s\n", sentence.c_str());
    code |= options.action == "verify" ? PrintVerdict(folder, *report) : PrintStats(*report);
  }
  return code;
}

}  // namespace rankscope
