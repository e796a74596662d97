#include "diagnose/reading/jobs.h"

#include <optional>

#include "diagnose/case/job_files.h"
#include "diagnose/reading/attempts.h"

namespace rankscope::diagnose {
namespace {

template <typename Object>
void GiveObjects(const std::vector<std::string>& names, const std::vector<Object>& objects,
                 std::vector<Object> Case::*of, std::vector<JobCase>* jobs) {
  for (const Object& object : objects) {
    (jobs->at(JobOfPath(names, object.path).value_or(jobs->size() - 1)).read.*of).push_back(object);
  }
}

// Its files, and of each line the place of its file among them.
void GiveFiles(const Case& whole, size_t job, JobCase* to) {
  std::vector<std::optional<uint32_t>> places(whole.files.size());
  for (size_t i = 0; i < whole.files.size(); ++i) {
    if (whole.files[i].job != job && !whole.files[i].surroundings) continue;
    places[i] = static_cast<uint32_t>(to->read.files.size());
    to->read.files.push_back(whole.files[i]);
  }
  for (size_t i = 0; i < whole.lines.size(); ++i) {
    const auto place = places[whole.lines[i].file];
    if (!place) continue;
    to->read.lines.push_back(whole.lines[i]);
    to->read.lines.back().file = *place;
    to->lines.push_back(i);
  }
  to->read.lines_read = to->read.lines.size();
}

// The launches before it that died of the same, one after the other.
void TellTheSame(const std::vector<JobCase>& jobs, const std::vector<Verdict>& verdicts, size_t told, Verdict* story) {
  size_t first = told;
  while (first > 0 && !verdicts[first - 1].healthy && Gist(verdicts[first - 1]) == Gist(verdicts[told])) --first;
  if (first == told || story->failure == "sigterm_preempted") return;
  story->restart.insert(story->restart.begin(), "the same in " + jobs[first].name + " to " + jobs[told].name +
                                                    ": launching it again will not help by itself");
}

}  // namespace

std::vector<JobCase> SplitJobs(const Case& whole) {
  std::vector<JobCase> jobs;
  std::vector<std::string> names;
  for (const CaseJob& job : whole.jobs) {
    names.push_back(job.name);
    jobs.emplace_back().name = job.name;
    jobs.back().read.nodes = job.nodes;
    GiveFiles(whole, jobs.size() - 1, &jobs.back());
  }
  if (jobs.empty()) return jobs;
  GiveObjects(names, whole.error_files, &Case::error_files, &jobs);
  GiveObjects(names, whole.dumps, &Case::dumps, &jobs);
  return jobs;
}

Verdict StoryOfJobs(const std::vector<JobCase>& jobs, const std::vector<Verdict>& verdicts) {
  size_t told = verdicts.size() - 1;
  for (size_t i = verdicts.size(); i-- > 0 && verdicts[told].healthy;) told = i;
  if (verdicts[told].healthy) told = verdicts.size() - 1;
  Verdict story = verdicts[told];
  story.figures.push_back("this is of " + jobs[told].name + ", one of " + std::to_string(jobs.size()) +
                          " jobs or launches whose logs lie here");
  for (size_t i = 0; i < verdicts.size(); ++i) {
    if (i != told) story.figures.push_back(jobs[i].name + ": " + Outcome(verdicts[i]));
  }
  TellTheSame(jobs, verdicts, told, &story);
  if (story.root) story.root = jobs[told].lines[*story.root];
  return story;
}

}  // namespace rankscope::diagnose
