#include "diagnose/knowledge/job_facts.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "diagnose/case/line_shape.h"
#include "diagnose/knowledge/command_options.h"
#include "model/record_json.h"

namespace rankscope::diagnose {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostSettingBytes = 1024;
constexpr std::string_view kLabel = "label.";

std::string TextOf(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// A value that is an object in JSON gives a setting for each of its keys.
void Flatten(const std::string& name, const std::string& value, std::map<std::string, std::string>* settings) {
  Json object = value.starts_with('{') ? Json::parse(value, nullptr, /*allow_exceptions=*/false) : Json();
  if (!object.is_object()) {
    (*settings)[name] = value.substr(0, kMostSettingBytes);
    return;
  }
  const std::string prefix = name + ".";
  for (const auto& [key, inner] : object.items()) {
    (*settings)[prefix + key] = TextOf(inner).substr(0, kMostSettingBytes);
  }
}

// Processes, ports, sessions, ids: what differs with every launch, whatever it does.
bool IsOfOneLaunch(const std::string& setting) {
  static const re2::RE2 kOfOneLaunch(
      R"(pid|imported_from|environment\.(?:_|SHLVL|OLDPWD|MASTER_PORT|TORCHELASTIC_RUN_ID|INVOCATION_ID|JOURNAL_STREAM|WINDOWID|)"
      R"(SSH_\w+|XDG_SESSION_ID|RANKSCOPE_\w+|SLURM_(?:JOB_?ID|STEP\w*|TASK_PID)))");
  return re2::RE2::FullMatch(setting, kOfOneLaunch);
}

// The first of these settings that says something.
std::string FirstOf(const std::map<std::string, std::string>& settings, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    auto found = settings.find(name);
    if (found != settings.end() && !found->second.empty() && found->second != "null") return found->second;
  }
  return "";
}

// "tp8 pp4": what is more than one.
std::string ParallelismOf(const std::map<std::string, std::string>& settings) {
  static constexpr std::array<std::pair<const char*, const char*>, 6> kDegrees = {{{"tensor_parallel", "tp"},
                                                                                   {"pipeline_parallel", "pp"},
                                                                                   {"context_parallel", "cp"},
                                                                                   {"expert_parallel", "ep"},
                                                                                   {"data_parallel_shard", "dp_shard"},
                                                                                   {"zero_stage", "zero"}}};
  std::string text;
  for (const auto& [name, letters] : kDegrees) {
    std::string degree = FirstOf(settings, {name});
    if (!degree.empty() && degree != "1") text += (text.empty() ? "" : " ") + std::string(letters) + degree;
  }
  return text;
}

bool HasAny(const std::map<std::string, std::string>& settings, const std::string& beginning) {
  auto found = settings.lower_bound(beginning);
  return found != settings.end() && found->first.starts_with(beginning);
}

// The outermost first: what the user called, not what that stands on. What is merely installed says nothing.
std::string FrameworkOf(const std::map<std::string, std::string>& settings) {
  if (HasAny(settings, "swift_arguments.")) return "ms-swift";
  if (std::string told = FirstOf(settings, {"framework"}); !told.empty()) return told;
  if (HasAny(settings, "arguments.")) return "transformers";
  const std::string command = FirstOf(settings, {"command"});
  for (const char* name : {"megatron", "deepspeed"}) {
    if (command.find(name) != std::string::npos) return name;
  }
  return settings.count("torch") > 0 ? "torch" : "";
}

// What the command sets, where no framework tells its arguments by itself. Unless it is known by that name already.
void AddOptions(std::map<std::string, std::string>* settings) {
  auto command = settings->find("command");
  if (command == settings->end() || HasAny(*settings, "arguments.") || HasAny(*settings, "swift_arguments.")) return;
  for (const auto& [name, value] : ReadCommand(command->second).options) {
    std::string known = name;
    std::replace(known.begin(), known.end(), '-', '_');
    if (!settings->contains(known)) (*settings)["option." + name] = value;
  }
}

Json OrNull(const std::optional<int64_t>& number) { return number ? Json(*number) : Json(); }

std::optional<int64_t> NumberIn(const Json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_number_integer() ? std::optional(found->get<int64_t>()) : std::nullopt;
}

std::optional<int32_t> RankIn(const Json& object, const char* name) {
  auto number = NumberIn(object, name);
  return number ? std::optional(static_cast<int32_t>(*number)) : std::nullopt;
}

Curve CurveFrom(const Json& json) {
  std::vector<Curve::Point> points;
  for (const Json& point : json) {
    bool is_point = point.is_array() && point.size() == 2 && point[0].is_number_integer() && point[1].is_number();
    if (is_point) points.push_back({point[0].get<int64_t>(), point[1].get<double>()});
  }
  return Curve(std::move(points));
}

JobFacts Read(const Json& json) {
  JobFacts facts;
  facts.job = json.value("job_id", "");
  facts.state = json.value("state", "");
  facts.started = json.value("started_ns", int64_t{0});
  facts.ended = json.value("ended_ns", int64_t{0});
  facts.ranks = json.value("ranks", 0);
  facts.hosts = json.value("hosts", std::vector<std::string>());
  facts.settings = json.value("settings", std::map<std::string, std::string>());
  facts.labels = json.value("labels", std::map<std::string, std::string>());
  facts.healthy = json.value("healthy", true);
  facts.failure = json.value("class", "none");
  facts.kind = json.value("subclass", "");
  facts.confidence = json.value("confidence", 0.0);
  if (const Json culprit = json.value("culprit", Json()); culprit.is_object()) {
    facts.culprit = Culprit{RankIn(culprit, "node_rank"), RankIn(culprit, "rank"), NumberIn(culprit, "step")};
  }
  facts.culprit_host = json.value("culprit_host", "");
  facts.incident = json.value("incident_id", "");
  facts.root_line = json.value("root_line", "");
  facts.templates = json.value("templates", std::vector<uint64_t>());
  facts.last_step = NumberIn(json, "last_step");
  facts.last_checkpoint = NumberIn(json, "last_checkpoint");
  facts.productive_s = json.value("productive_s", 0.0);
  for (const Json& inflection : json.value("inflections", Json::array())) {
    facts.inflections.push_back({inflection.value("step", int64_t{0}), inflection.value("class", "")});
  }
  return facts;
}

}  // namespace

void TakeVerdict(const Verdict& verdict, JobFacts* facts) {
  facts->healthy = verdict.healthy && facts->state != "failed";
  facts->failure = verdict.healthy && !facts->healthy ? kUnknownFailure : verdict.failure;
  facts->kind = verdict.kind;
  facts->confidence = verdict.confidence;
  facts->culprit = verdict.culprit;
  facts->root_line = verdict.root_line;
  facts->templates.clear();
  for (const Evidence& evidence : verdict.evidence) {
    facts->templates.push_back(ShapeOf(std::string_view(evidence.text).substr(0, kMostShapeBytes)).exact);
  }
  std::sort(facts->templates.begin(), facts->templates.end());
  facts->templates.erase(std::unique(facts->templates.begin(), facts->templates.end()), facts->templates.end());
}

void TakeConfiguration(const std::map<std::string, std::string>& configuration, JobFacts* facts) {
  std::map<std::string, std::string> given;
  for (const auto& [name, value] : configuration) {
    if (name.starts_with(kLabel)) {
      given[name.substr(kLabel.size())] = value;
    } else {
      Flatten(name, value, &facts->settings);
    }
  }
  std::erase_if(facts->settings, [](const auto& setting) { return IsOfOneLaunch(setting.first); });
  AddOptions(&facts->settings);
  const auto& settings = facts->settings;
  facts->labels = {{"model", FirstOf(settings, {"swift_arguments.model", "arguments.model_name_or_path",
                                                "arguments.model", "model"})},
                   {"framework", FrameworkOf(settings)},
                   {"parallelism", ParallelismOf(settings)},
                   {"cluster", FirstOf(settings, {"environment.SLURM_CLUSTER_NAME", "environment.CLUSTER_NAME"})}};
  for (auto& [name, value] : given) facts->labels[name] = value;
  std::erase_if(facts->labels, [](const auto& label) { return label.second.empty(); });
}

std::string ToJson(const JobFacts& facts) {
  Json json = {{"job_id", facts.job},
               {"state", facts.state},
               {"started_ns", facts.started},
               {"ended_ns", facts.ended},
               {"ranks", facts.ranks},
               {"hosts", facts.hosts},
               {"settings", facts.settings},
               {"labels", facts.labels},
               {"healthy", facts.healthy},
               {"class", facts.failure},
               {"subclass", facts.kind},
               {"confidence", facts.confidence},
               {"culprit_host", facts.culprit_host},
               {"incident_id", facts.incident},
               {"root_line", facts.root_line},
               {"templates", facts.templates},
               {"last_step", OrNull(facts.last_step)},
               {"last_checkpoint", OrNull(facts.last_checkpoint)},
               {"productive_s", facts.productive_s}};
  if (facts.culprit) {
    json["culprit"] = {{"node_rank", OrNull(facts.culprit->node_rank)},
                       {"rank", OrNull(facts.culprit->rank)},
                       {"step", OrNull(facts.culprit->step)}};
  }
  json["inflections"] = Json::array();
  for (const Inflection& one : facts.inflections) {
    json["inflections"].push_back({{"step", one.step}, {"class", one.failure}});
  }
  return base::JsonText(json);
}

std::string CurvesToJson(const std::map<std::string, Curve>& curves) {
  Json json = Json::object();
  for (const auto& [metric, curve] : curves) {
    Json points = Json::array();
    for (const Curve::Point& point : curve.points()) points.push_back({point.step, point.value});
    json[metric] = std::move(points);
  }
  return json.dump();
}

std::map<std::string, Curve> CurvesFromJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::map<std::string, Curve> curves;
  if (!json.is_object()) return curves;
  for (const auto& [metric, points] : json.items()) curves[metric] = CurveFrom(points);
  return curves;
}

base::Result<JobFacts> FactsFromJson(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("job_id", Json()) == Json()) return base::Status::Corrupt("no facts of a job");
  try {
    return Read(json);
  } catch (const Json::exception& error) {
    return base::Status::Corrupt(std::string("no facts of a job: ") + error.what());
  }
}

}  // namespace rankscope::diagnose
