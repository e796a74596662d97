#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "diagnose/knowledge/insights_book.h"

// Arrays rather than objects where there is one for each failure or each value: the book of 100,000 jobs is read before
// the first answer after a start.
namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

// Of how jobs are counted: what another version counted is counted again.
constexpr int kVersion = 1;

Json JsonOf(const JobFacts& failure) {
  return {failure.job, failure.incident, failure.failure, failure.kind, failure.templates, failure.labels};
}

JobFacts FailureFrom(const Json& json) {
  JobFacts failure;
  failure.healthy = false;
  failure.job = json.at(0);
  failure.incident = json.at(1);
  failure.failure = json.at(2);
  failure.kind = json.at(3);
  failure.templates = json.at(4).get<std::vector<uint64_t>>();
  failure.labels = json.at(5).get<std::map<std::string, std::string>>();
  return failure;
}

}  // namespace

Json InsightsBook::JsonOf(const Tallies& tallies) {
  Json json = Json::object();
  for (const auto& [value, tally] : tallies) json[value] = {tally.jobs, tally.failed, tally.rank_hours, tally.classes};
  return json;
}

InsightsBook::Tallies InsightsBook::TalliesFrom(const Json& json) {
  Tallies tallies;
  for (const auto& [value, tally] : json.items()) {
    tallies[value] = {tally.at(0), tally.at(1), tally.at(2), tally.at(3).get<std::map<std::string, int64_t>>()};
  }
  return tallies;
}

std::string InsightsBook::ToJson() const {
  Json json = {{"version", kVersion},       {"jobs", jobs_},
               {"failed", failed_},         {"hours", hours_},
               {"rank_hours", rank_hours_}, {"productive", productive_},
               {"measured", measured_},     {"classes", JsonOf(classes_)},
               {"groups", Json::object()},  {"oom_settings", oom_settings_.ToJson()},
               {"turns", Json::object()},   {"failures", Json::array()}};
  for (const auto& [label, tallies] : groups_) json["groups"][label] = JsonOf(tallies);
  for (const auto& [failure, places] : turns_) {
    Json list = Json::array();
    for (const auto& [place, count] : places) list.push_back({place.first, place.second, count});
    json["turns"][failure] = std::move(list);
  }
  for (const auto& [job, failure] : failures_) json["failures"].push_back(diagnose::JsonOf(failure));
  return base::JsonText(json);
}

void InsightsBook::Read(const Json& json) {
  jobs_ = json.at("jobs");
  failed_ = json.at("failed");
  hours_ = json.at("hours");
  rank_hours_ = json.at("rank_hours");
  productive_ = json.at("productive");
  measured_ = json.at("measured");
  classes_ = TalliesFrom(json.at("classes"));
  for (const auto& [label, tallies] : json.at("groups").items()) groups_[label] = TalliesFrom(tallies);
  oom_settings_ = OomSettings::FromJson(json.at("oom_settings"));
  for (const auto& [failure, places] : json.at("turns").items()) {
    for (const Json& place : places) turns_[failure][{place.at(0), place.at(1)}] = place.at(2);
  }
  for (const Json& one : json.at("failures")) {
    JobFacts failure = FailureFrom(one);
    failures_.emplace(failure.job, std::move(failure));
  }
}

base::Result<InsightsBook> InsightsBook::FromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("version", Json()) != kVersion) {
    return base::Status::Corrupt("no sums of jobs, or another version's");
  }
  InsightsBook book;
  try {
    book.Read(json);
  } catch (const Json::exception& error) {
    return base::Status::Corrupt(std::string("no sums of jobs: ") + error.what());
  }
  return book;
}

}  // namespace rankscope::diagnose
