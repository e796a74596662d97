#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json_text.h"
#include "base/sqlite.h"
#include "cli/named_input.h"
#include "commands.h"
#include "journal/journal.h"
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

using Json = nlohmann::ordered_json;

void PrintJson(const Json& object) { std::printf("%s\n", base::JsonText(object).c_str()); }

void PrintDamage(const std::vector<std::string>& damage) {
  for (const std::string& sentence : damage) Say(sentence);
}

int PrintStats(const store::StoreReport& report, bool json) {
  if (!json) {
    std::printf("%-12s %-32s %12s %14s %8s %9s %7s %10s\n", "PROJECT", "JOB", "RECORDS", "BYTES", "B/REC", "SEGMENTS",
                "BLOCKS", "TEMPLATES");
  }
  for (const store::JobStats& job : report.jobs) {
    if (json) {
      PrintJson({{"project", job.project},
                 {"job_id", job.job},
                 {"records", job.records},
                 {"bytes", job.bytes},
                 {"segments", job.segments},
                 {"blocks", job.blocks},
                 {"templates", job.templates}});
      continue;
    }
    std::printf("%-12s %-32s %12lu %14lu %8.1f %9u %7u %10u\n", job.project.c_str(), job.job.c_str(),
                static_cast<unsigned long>(job.records), static_cast<unsigned long>(job.bytes),
                static_cast<double>(job.bytes) / static_cast<double>(job.records), job.segments, job.blocks,
                job.templates);
  }
  return report.damage.empty() ? 0 : 1;
}

// "FOLDER: 2 jobs, 71 records, 4096 bytes: every checksum holds".
int PrintVerdict(const std::string& folder, const std::vector<std::pair<const char*, uint64_t>>& counts,
                 const std::vector<std::string>& damage, bool json) {
  Json object = {{"folder", folder}};
  std::string text;
  for (const auto& [name, count] : counts) {
    object[name] = count;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
  }
  object["damage"] = damage;
  if (json) {
    PrintJson(object);
  } else {
    std::printf("%s: %s: %s\n", folder.c_str(), text.c_str(), damage.empty() ? "every checksum holds" : "damaged");
  }
  return damage.empty() ? 0 : 1;
}

int PrintVerdict(const std::string& folder, const store::StoreReport& report, bool json) {
  uint64_t records = 0, bytes = 0;
  for (const store::JobStats& job : report.jobs) {
    records += job.records;
    bytes += job.bytes;
  }
  return PrintVerdict(folder, {{"jobs", report.jobs.size()}, {"records", records}, {"bytes", bytes}}, report.damage,
                      json);
}

// What the store does not have yet. kNotFound: there is no journal beside it.
base::Result<int> VerifyJournal(const std::string& store_folder, bool json) {
  std::string folder = (std::filesystem::path(store_folder).parent_path() / "journal").string();
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(auto journal, journal::Journal::OpenToRead(folder, &recovery));
  auto reader = journal->Read(0);
  uint64_t entries = 0, bytes = 0;
  journal::Journal::Reader::Entry entry;
  while (true) {
    ASSIGN_OR_RETURN(bool more, reader.Next(&entry));
    if (!more) break;
    ++entries;
    bytes += entry.payload.size();
  }
  std::vector<std::string> damage = recovery.damage;
  damage.insert(damage.end(), reader.damage().begin(), reader.damage().end());
  PrintDamage(damage);
  return PrintVerdict(folder, {{"entries", entries}, {"bytes", bytes}}, damage, json);
}

// The jobs, pins, findings and incidents beside the store; not those that a server has open.
base::Result<int> VerifyTables(const std::string& store_folder, bool json) {
  const std::string folder = std::filesystem::path(store_folder).parent_path().string();
  auto names = base::ListDirectory(folder);
  int code = 0;
  for (const std::string& name : names.ok() ? *names : std::vector<std::string>()) {
    if (!name.ends_with(".sqlite")) continue;
    auto damage = base::FindSqliteDamage((std::filesystem::path(folder) / name).string());
    if (damage.status().code() == base::Code::kUnavailable) continue;
    if (!damage.ok()) return damage.status();
    PrintDamage(*damage);
    if (json) PrintJson({{"folder", folder}, {"file", name}, {"damage", *damage}});
    code |= damage->empty() ? 0 : 1;
  }
  return code;
}

// Of PROJECT/store.
std::string ProjectOf(const std::string& folder) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(folder, ignored).parent_path().filename().string();
}

// 1: something is damaged, and was left as it is.
base::Result<int> Compact(const std::string& folder) {
  std::vector<std::string> damage;
  ASSIGN_OR_RETURN(auto store, store::Store::Open(folder, {.project = ProjectOf(folder)}, &damage));
  PrintDamage(damage);
  RETURN_IF_ERROR(store->Compact());
  return damage.empty() ? 0 : 1;
}

int CompactAll(const std::string& directory, const std::vector<std::string>& folders) {
  auto lock = base::LockFile(directory + "/LOCK");
  if (!lock.ok()) {
    return Fail(base::Status::Unavailable(directory + " is being served: a server merges on its own; stop it first"));
  }
  int code = 0;
  for (const std::string& folder : folders) {
    auto compacted = Compact(folder);
    if (!compacted.ok()) return Fail(compacted.status());
    code |= *compacted;
  }
  return code;
}

// Of one store: sealed records and, of verify, its journal and tables.
base::Result<int> Report(const std::string& folder, bool verify, bool json) {
  auto journal = verify ? VerifyJournal(folder, json) : base::Status::NotFound("");
  bool has_journal = journal.status().code() != base::Code::kNotFound;
  if (has_journal && !journal.ok()) return journal.status();
  auto tables = verify && has_journal ? VerifyTables(folder, json) : base::Result<int>(0);
  if (!tables.ok()) return tables.status();
  auto report = verify ? store::VerifyStore(folder) : store::InspectStore(folder);
  // Nothing was sealed yet.
  if (report.status().code() == base::Code::kNotFound && has_journal) return *tables | *journal;
  if (!report.ok()) return report.status();
  PrintDamage(report->damage);
  return *tables | (verify ? PrintVerdict(folder, *report, json) : PrintStats(*report, json)) |
         (has_journal ? *journal : 0);
}

}  // namespace

int StoreCommand(const StoreOptions& options) {
  std::vector<std::string> folders = StoreFolders(options.directory);
  if (options.action == "compact") return CompactAll(options.directory, folders);
  int code = 0;
  for (const std::string& folder : folders) {
    auto report = Report(folder, options.action == "verify", options.json);
    if (report.status().code() == base::Code::kNotFound && folders.size() > 1) continue;  // nothing was sealed yet
    if (!report.ok()) return Fail(cli::Unreadable(report.status()));
    code |= *report;
  }
  return code;
}

}  // namespace rankscope
