#include "diagnose/case/job_files.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "parse/line_record.h"

namespace rankscope::diagnose {
namespace {

// What of a path names its job; `told`: a word there says so.
struct JobName {
  std::string name;  // a part of the path; empty: none
  bool told = false;
};

std::string Matched(std::string_view path, const re2::RE2& regex) {
  std::string name;
  re2::RE2::PartialMatch(re2::StringPiece(path.data(), path.size()), regex, &name);
  return name;
}

// Slurm's "%A_%a", or the tasks' own files of one job, "%j_%t".
JobName ByArray(const std::string& path) {
  static const re2::RE2 kNamed(R"((?i)(?:^|/)([a-z][\w.-]*[-_.][1-9]\d{1,9}_\d{1,6})\.(?:out|err|log)$)");
  return {Matched(path, kNamed), false};
}

JobName BySlurm(const std::string& path) {
  static const re2::RE2 kNamed(R"((?i)(?:^|/)((?:slurm|job|jobid)[-_.]?[1-9]\d{1,9})(?:[-_.][^/]*)?$)");
  return {Matched(path, kNamed), true};
}

JobName ByExperiment(const std::string& path) {
  static const re2::RE2 kNamed(
      R"((?i)(?:^|/)((?:exp|experiment|trial|seed|version)[-_.]?[a-z0-9]{1,8})(?:\.\w+|/[^/]*)$)");
  return {Matched(path, kNamed), true};
}

JobName ByTree(const std::string& path) {
  static const re2::RE2 kTree(R"(([^/]+)/attempt_\d+/)");
  return {Matched(path, kTree), false};
}

// A run's folder or file, or a number that Slurm's %j would put there; dates and counts with zeros are none.
JobName ByRun(const std::string& path) {
  static const re2::RE2 kRun(R"((?i)(?:^|/)(run[-_.]?[a-z0-9]{1,24})(?:\.\w+|/[^/]*)$)"),
      kNumber(R"((?:^|/)([\w.-]*[a-zA-Z][-_.][1-9]\d{3,6})\.(?:out|err|log)$)");
  const std::string run = Matched(path, kRun);
  return {run.empty() ? Matched(path, kNumber) : run, false};
}

using NameJob = JobName (*)(const std::string& path);
constexpr NameJob kKinds[] = {ByArray, BySlurm, ByTree, ByExperiment, ByRun};

// What is known of one job's files.
struct Job {
  std::set<int32_t> ranks;
  std::optional<base::TimeNs> first, last;
  bool told = false, steps = false;  // it reports steps
};

using Jobs = std::map<std::string, Job>;

bool ReportsSteps(const ReadFile& read) {
  return std::any_of(read.kept.lines.begin(), read.kept.lines.end(), [](const Line& line) {
    model::Record record;
    record.text = line.text;
    parse::UnderstandLine(&record);
    return record.step.has_value();
  });
}

void Look(const ReadFile& read, Job* job) {
  for (const auto& [name, lines] : read.kept.writers) {
    const auto rank = name.rank ? name.rank : read.file.rank ? read.file.rank : name.local_rank;
    if (rank && lines > 0) job->ranks.insert(*rank);
  }
  for (const Line& line : read.kept.lines) {
    if (!line.timed) continue;
    job->first = std::min(job->first.value_or(*line.time), *line.time);
    job->last = std::max(job->last.value_or(*line.time), *line.time);
  }
}

bool AreApart(const Job& a, const Job& b) { return a.first && b.first && (*a.last < *b.first || *b.last < *a.first); }

// Ranks that differ are parts of one job.
bool ShareRanks(const Job& a, const Job& b) {
  if (a.ranks.empty() || b.ranks.empty()) return a.ranks.empty() && b.ranks.empty();
  return std::any_of(a.ranks.begin(), a.ranks.end(), [&](int32_t rank) { return b.ranks.count(rank) > 0; });
}

bool AreJobs(const Jobs& jobs) {
  if (jobs.size() < 2) return false;
  for (auto a = jobs.begin(); a != jobs.end(); ++a) {
    for (auto b = jobs.begin(); b != a; ++b) {
      const bool told = a->second.told;
      // Of a node whose ranks report nothing the last words are later than all of another's.
      const bool apart = AreApart(a->second, b->second) && (told || (a->second.steps && b->second.steps));
      if (!apart && !(told && ShareRanks(a->second, b->second))) return false;
    }
  }
  return true;
}

std::vector<std::string> ByLastTime(const Jobs& jobs) {
  std::vector<std::string> names;
  for (const auto& [name, job] : jobs) names.push_back(name);
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    const auto last = [&](const std::string& name) { return jobs.at(name).last.value_or(0); };
    return std::tuple(last(a), a.size(), a) < std::tuple(last(b), b.size(), b);
  });
  return names;
}

// A script tells which task of an array it is: that is no rank of a job.
bool SaysArrayTask(const ReadFile& read) {
  static const re2::RE2 kTask(R"((?i)\barray[_ ](?:task|job|index)|\bslurm_array_)");
  constexpr size_t kBeginning = 200;
  const auto& lines = read.kept.lines;
  return std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), kBeginning)),
                     [](const Line& line) {
                       return re2::RE2::PartialMatch(re2::StringPiece(line.text.data(), line.text.size()), kTask);
                     });
}

// torchelastic names a tree by the rendezvous' id, which all nodes of a job have in common, and a word of its own.
bool HaveIdsOfTheirOwn(const Jobs& trees) {
  std::set<std::string> ids;
  for (const auto& [name, job] : trees) ids.insert(name.substr(0, name.rfind('_')));
  return ids.size() == trees.size();
}

Jobs FindJobs(const std::vector<ReadFile>& files, NameJob kind) {
  Jobs jobs;
  for (const ReadFile& read : files) {
    const JobName job = kind(read.file.path);
    if (job.name.empty() || read.file.surroundings) continue;
    Job& of = jobs[job.name];
    of.told = of.told || job.told || (kind == ByArray && SaysArrayTask(read));
    Look(read, &of);
  }
  if (kind == ByTree && HaveIdsOfTheirOwn(jobs)) {
    for (auto& [name, job] : jobs) job.told = true;
  }
  for (const ReadFile& read : files) {
    const auto of = jobs.size() > 1 ? jobs.find(kind(read.file.path).name) : jobs.end();
    if (of != jobs.end() && !of->second.told && !of->second.steps) of->second.steps = ReportsSteps(read);
  }
  return jobs;
}

// Which was written when the file was; else the last.
size_t JobOfTime(const Jobs& jobs, const std::vector<std::string>& names, const ReadFile& read) {
  Job own;
  Look(read, &own);
  for (size_t i = 0; i < names.size(); ++i) {
    if (own.last && own.last <= jobs.at(names[i]).last) return i;
  }
  return names.size() - 1;
}

}  // namespace

std::optional<size_t> JobOfPath(const std::vector<std::string>& names, const std::string& path) {
  for (NameJob kind : kKinds) {
    auto job = std::find(names.begin(), names.end(), kind(path).name);
    if (job != names.end()) return static_cast<size_t>(job - names.begin());
  }
  return std::nullopt;
}

JobFiles FindJobFiles(const std::vector<ReadFile>& files) {
  for (NameJob kind : kKinds) {
    const Jobs jobs = FindJobs(files, kind);
    if (!AreJobs(jobs)) continue;
    JobFiles found{ByLastTime(jobs), {}};
    for (const ReadFile& read : files) {
      const auto told = JobOfPath(found.names, read.file.path);
      found.job_of.push_back(told ? *told : JobOfTime(jobs, found.names, read));
    }
    return found;
  }
  return {};
}

}  // namespace rankscope::diagnose
