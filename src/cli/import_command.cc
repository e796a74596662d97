#include "cli/import_command.h"

#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/counted.h"
#include "base/json_text.h"
#include "base/url.h"
#include "cli/http_client.h"
#include "cli/named_input.h"
#include "model/job_id.h"
#include "model/record_json.h"
#include "parse/log_folder.h"

namespace rankscope::cli {
namespace {

constexpr size_t kBodyBytes = 4 << 20;

// FNV-1a, in hexadecimal.
std::string HashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037U;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  char shown[32];
  std::snprintf(shown, sizeof shown, "%016" PRIx64, hash);
  return shown;
}

// The same file is the same producer from one import to the next; the number goes up when records are told apart
// otherwise, so that what the new ones have is not taken for held.
std::string ProducerOf(const std::string& path) { return "import2-" + HashOf(path); }

// What is not settled at a file's end is of a producer of its own: once the file has grown, what has become of it is
// the file's next.
std::string ProducerOf(const std::string& path, const std::vector<std::string>& unsettled) {
  std::string all;
  for (const std::string& line : unsettled) all += line + "\n";
  return ProducerOf(path) + "-" + HashOf(all);
}

struct Counts {
  uint64_t records = 0, added = 0;  // added: of them, those that the server did not have

  void Add(const Counts& more) {
    records += more.records;
    added += more.added;
  }
};

// The job that files become, if there is a record in them.
class ImportedJob {
 public:
  ImportedJob(const std::string& server, const std::string& name, const std::string& from)
      : server_(server), path_("/api/v1/jobs/" + base::UrlEncode(name) + "/import"), name_(base::UrlEncode(name)) {
    std::error_code ignored;
    from_ = std::filesystem::weakly_canonical(from, ignored).string();
  }

  // Before the first record: by it the job's state is known, and nobody takes what comes for news.
  base::Status Begin() {
    if (begun_) return {};
    RETURN_IF_ERROR(PostLines(server_, path_, base::JsonText(nlohmann::json{{"from", from_}}),
                              [](std::string_view) { return true; }));
    begun_ = true;
    return {};
  }

  const std::string& server() const { return server_; }
  const std::string& name_in_url() const { return name_; }

 private:
  const std::string& server_;
  const std::string path_, name_;
  std::string from_;
  bool begun_ = false;
};

// Sends the lines of one producer in requests of a few MiB.
class Upload {
 public:
  Upload(ImportedJob* job, const std::string& file, const std::string& producer)
      : job_(job),
        file_(file),
        path_("/api/v1/ingest/jsonline?job_id=" + job->name_in_url() + "&producer=" + producer + "&seq=") {}

  base::Status Add(std::string_view line) {
    body_.append(line);
    body_.push_back('\n');
    ++count_;
    return body_.size() >= kBodyBytes ? Send() : base::Status();
  }

  base::Status Send() {
    if (count_ == 0) return {};
    RETURN_IF_ERROR(job_->Begin());
    base::Status status =
        PostLines(job_->server(), path_ + std::to_string(sent_ + 1), body_, [this](std::string_view answer) {
          auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
          if (json.is_object()) held_before_ += json.value("duplicates", uint64_t{0});
          return true;
        });
    sent_ += count_;
    count_ = 0;
    body_.clear();
    refused_ = status.WithContext(file_);
    return refused_;
  }

  // What the server said in place of taking it.
  const base::Status& refused() const { return refused_; }

  Counts counts() const { return {sent_, sent_ - held_before_}; }

 private:
  ImportedJob* const job_;
  const std::string file_, path_;
  std::string body_;
  base::Status refused_;
  uint64_t count_ = 0, sent_ = 0, held_before_ = 0;
};

base::Status SendJsonLines(const parse::LogFile& file, Upload* upload) {
  std::string rest;
  auto send = [&](std::string_view line) { return line.empty() ? base::Status() : upload->Add(line); };
  RETURN_IF_ERROR(parse::ReadLogBytes(file.path, [&](std::string_view bytes) -> base::Status {
    rest.append(bytes);
    size_t begin = 0;
    for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1) {
      RETURN_IF_ERROR(send(std::string_view(rest).substr(begin, end - begin)));
    }
    rest.erase(0, begin);
    return {};
  }));
  return send(rest);
}

// But for those at the end that are not settled, which come back.
base::Status SendRecords(const parse::LogFile& file, Upload* upload, std::vector<std::string>* unsettled) {
  base::Status failed;
  auto take = [&](const model::Record& record) {
    std::string line;
    model::AppendJson(record, &line);
    failed = upload->Add(line);
    return failed.ok();
  };
  auto keep = [&](const model::Record& record) {
    model::AppendJson(record, &unsettled->emplace_back());
    return true;
  };
  RETURN_IF_ERROR(parse::ReadLogFile(file, take, keep));
  return failed;
}

// What stands before a damage is stored: of a log that a crash cut off, the last lines are those that matter.
base::Status ImportFile(ImportedJob* job, const parse::LogFile& file, Counts* sum) {
  std::error_code ignored;
  const std::string path = std::filesystem::weakly_canonical(file.path, ignored).string();
  Upload upload(job, path, ProducerOf(path));
  std::vector<std::string> unsettled;
  const bool json = file.json && !parse::HasRowsOfAFramework(file);
  base::Status status = json ? SendJsonLines(file, &upload) : SendRecords(file, &upload, &unsettled);
  RETURN_IF_ERROR(upload.refused());
  RETURN_IF_ERROR(upload.Send());
  sum->Add(upload.counts());
  if (unsettled.empty()) return Unreadable(status);
  Upload last(job, path, ProducerOf(path, unsettled));
  for (const std::string& line : unsettled) RETURN_IF_ERROR(last.Add(line));
  RETURN_IF_ERROR(last.Send());
  sum->Add(last.counts());
  return Unreadable(status);
}

void Tell(const base::Status& damaged) {
  if (!damaged.ok()) std::fprintf(stderr, "rankscope: %s\n", damaged.message().c_str());
}

// Those before it are told.
void TellNext(const base::Status& status, base::Status* damaged) { Tell(std::exchange(*damaged, status)); }

struct Imported {
  Counts counts;
  size_t files = 0, damaged_files = 0;  // the former with the latter
};

// A file that is damaged keeps none of the others out; what the server does not take for another reason would be so
// with all. `damaged`: the last one's.
base::Status ImportFiles(ImportedJob* job, const std::vector<parse::LogFile>& files, Imported* imported,
                         base::Status* damaged) {
  for (const parse::LogFile& file : files) {
    base::Status status = ImportFile(job, file, &imported->counts);
    if (!status.ok() && status.code() != base::Code::kInvalid) return status;
    ++imported->files;
    if (status.ok()) continue;
    ++imported->damaged_files;
    TellNext(status, damaged);
  }
  return {};
}

void Report(const std::string& job, const std::string& path, const Imported& imported,
            const std::vector<std::string>& skipped) {
  const Counts& counts = imported.counts;
  std::string known = counts.added < counts.records ? std::to_string(counts.added) + " new of " : "";
  std::string damaged = imported.damaged_files == 0 ? "" : " (" + std::to_string(imported.damaged_files) + " damaged)";
  std::printf("%s: %s%s of %s%s in %s", job.c_str(), known.c_str(), base::Counted(counts.records, "record").c_str(),
              base::Counted(imported.files, "file").c_str(), damaged.c_str(), path.c_str());
  if (!skipped.empty()) {
    std::printf("; %s left out, as %s", base::Counted(skipped.size(), "other file").c_str(), skipped.front().c_str());
  }
  std::printf("\n");
}

}  // namespace

std::string JobNameOf(const std::string& path) {
  std::error_code ignored;
  std::filesystem::path whole = std::filesystem::weakly_canonical(path, ignored);
  return std::filesystem::is_directory(whole, ignored) ? whole.filename().string() : whole.stem().string();
}

namespace {

base::Status ImportPaths(const ImportOptions& options, base::Status* damaged) {
  for (const std::string& path : options.paths) {
    std::vector<std::string> skipped;
    auto found = parse::FindLogFiles(path, &skipped);
    if (!found.ok()) return Unreadable(found.status());
    const std::vector<parse::LogFile>& files = *found;
    if (files.empty())
      return base::Status::Invalid(path +
                                   ": no log files in it (*.log, *.txt, *.out, *.err, *.jsonl, also as .gz or .zst)");
    std::string job = options.job.empty() ? JobNameOf(path) : options.job;
    RETURN_IF_ERROR(model::CheckJobId(job).WithContext("--job_id"));
    ImportedJob imported_job(options.server, job, path);
    Imported imported;
    RETURN_IF_ERROR(ImportFiles(&imported_job, files, &imported, damaged));
    if (imported.counts.records > 0) {
      Report(job, path, imported, skipped);
    } else if (imported.damaged_files == 0) {
      TellNext(base::Status::Invalid(path + ": no line of a log in it"), damaged);
    }
  }
  return {};
}

}  // namespace

base::Status RunImport(const ImportOptions& options) {
  base::Status damaged;
  base::Status status = ImportPaths(options, &damaged);
  if (status.ok()) return damaged;
  Tell(damaged);
  return status;
}

}  // namespace rankscope::cli
