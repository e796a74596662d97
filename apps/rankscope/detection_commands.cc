#include "cli/detect_command.h"
#include "cli/findings_command.h"
#include "cli/incidents_command.h"
#include "cli/rules_command.h"
#include "cli/suggest_command.h"
#include "commands.h"
#include "program.h"

// Rules, and what they find.
namespace rankscope {
namespace {

// Paths need no server.
int Detect(Program* program, cli::DetectOptions* options) {
  options->json = program->json();
  if (!options->job.empty()) {
    auto server = FindOrStartServer(program->server);
    if (!server.ok()) return Fail(server.status());
    options->server = *server;
  }
  return Report(cli::RunDetect(*options));
}

void AddDetect(Program* program) {
  CLI::App* detect = program->app.add_subcommand("detect", "Findings of the rules in log files, or in a stored job");
  auto options = std::make_shared<cli::DetectOptions>();
  AddServerOptions(detect, program);
  AddOutput(detect, program);
  detect->add_option("path", options->paths, "files or folders: logs, or records in JSON (*.jsonl)");
  detect->add_option("--job_id", options->job, "a job that the server has");
  AddRuleFiles(detect, &options->rules);
  OnCommand(program, detect, [program, options] { return Detect(program, options.get()); });
}

void AddDetectWorker(Program* program) {
  CLI::App* worker =
      program->app.add_subcommand("detect-worker", "Run detectors in Python over the server's stream of a job");
  auto options = std::make_shared<DetectWorkerOptions>();
  AddServerOptions(worker, program);
  worker->add_option("file", options->file, "Python, as docs/detectors.md describes it")->required();
  worker->add_option("--job_id", options->job, "one job, to its end; else every running one");
  worker->add_option("--from", options->from, "start: of the job; now: of the worker, when it came first")
      ->check(CLI::IsMember({"start", "now"}))
      ->capture_default_str();
  OnServerCommand(program, worker, [options](const std::string& server) {
    options->server = server;
    return DetectWorker(*options);
  });
}

void AddDecision(Program* program, CLI::App* findings, const char* action, const char* what) {
  CLI::App* decide = findings->add_subcommand(action, what);
  auto id = std::make_shared<std::string>(), note = std::make_shared<std::string>();
  decide->add_option("id", *id, "as `findings` shows it")->required();
  decide->add_option("--note", *note, "why");
  decide->fallthrough();
  OnServerCommand(program, decide, [action, id, note](const std::string& server) {
    return Report(cli::RunDecide(server, *id, action, Who(), *note));
  });
}

void AddFindings(Program* program) {
  CLI::App* findings = program->app.add_subcommand("findings", "What the server's rules found in jobs");
  auto options = std::make_shared<cli::FindingsOptions>();
  AddServerOptions(findings, program);
  AddOutput(findings, program);
  findings->add_option("--job_id", options->job, "of this job only");
  findings->add_option("--state", options->state, "potential, confirmed, dismissed or resolved");
  AddDecision(program, findings, "confirm", "It is as the finding says");
  AddDecision(program, findings, "dismiss", "It is not, or does not matter: the job is not marked by it");
  OnServerCommand(program, findings, [program, options](const std::string& server) {
    options->server = server;
    options->json = program->json();
    return Report(cli::RunFindings(*options));
  });
}

void AddSuggest(Program* program, CLI::App* rules) {
  CLI::App* suggest = rules->add_subcommand("suggest", "Write a rule for what broke a job, with its tests");
  auto options = std::make_shared<cli::SuggestOptions>();
  AddServerOptions(suggest, program);
  suggest->add_option("--incident", options->incident, "of this incident's job");
  suggest->add_option("--job_id", options->job, "of this job");
  suggest->add_option("--rule_file", options->rule_file, "where to write the rule")->capture_default_str();
  suggest->add_option("--test_file", options->test_file, "where to write its tests")->capture_default_str();
  OnServerCommand(program, suggest, [options](const std::string& server) {
    options->server = server;
    return Report(cli::RunSuggest(*options));
  });
}

void AddIncidentWord(Program* program, CLI::App* incidents, const char* action, const char* what) {
  CLI::App* word = incidents->add_subcommand(action, what);
  auto options = std::make_shared<cli::IncidentWordOptions>();
  options->action = action;
  word->add_option("id", options->id, "as `incidents` shows it")->required();
  word->add_option("--note", options->note, "why");
  if (options->action == "ack") {
    word->add_option("--for", options->lasting, "so long, as 2h; else while it is open and gets no worse")
        ->transform(Duration());
  }
  word->fallthrough();
  OnServerCommand(program, word, [options](const std::string& server) {
    options->server = server;
    options->by = Who();
    return Report(cli::RunIncidentWord(*options));
  });
}

void AddIncidents(Program* program) {
  CLI::App* incidents = program->app.add_subcommand("incidents", "What the findings in jobs come to, and who cares");
  auto options = std::make_shared<cli::IncidentsOptions>();
  AddServerOptions(incidents, program);
  AddOutput(incidents, program);
  incidents->add_option("--job_id", options->job, "of this job only");
  incidents->add_option("--state", options->state, "potential, confirmed, dismissed, resolved, or open: the first two");
  CLI::App* show = incidents->add_subcommand("show", "All of one, with the lines and numbers around it");
  auto id = std::make_shared<std::string>();
  show->add_option("id", *id, "as `incidents` shows it")->required();
  show->fallthrough();
  OnServerCommand(program, show, [program, id](const std::string& server) {
    return Report(cli::RunIncidentShow(server, *id, program->json()));
  });
  AddIncidentWord(program, incidents, "ack", "I look after it");
  AddIncidentWord(program, incidents, "confirm", "It is as it says");
  AddIncidentWord(program, incidents, "dismiss", "It is not, or does not matter: counts against its rules");
  AddIncidentWord(program, incidents, "resolve", "It is over");
  OnServerCommand(program, incidents, [program, options](const std::string& server) {
    options->server = server;
    options->json = program->json();
    return Report(cli::RunIncidents(*options));
  });
}

void AddRules(Program* program) {
  CLI::App* rules = program->app.add_subcommand("rules", "Check, test and import rule files; see how rules do");
  rules->require_subcommand(1);
  auto files = std::make_shared<std::vector<std::string>>();
  auto add = [&](const char* name, const char* what, std::function<base::Status()> run) {
    CLI::App* command = rules->add_subcommand(name, what);
    OnCommand(program, command, [run = std::move(run)] { return Report(run()); });
    command->add_option("file", *files, "YAML files")->required();
    return command;
  };
  auto notify = std::make_shared<std::string>();
  add("lint", "Say what is wrong with rule files", [files, notify] {
    return cli::RunRulesLint(*files, ShippedRules(), *notify);
  })->add_option("--notify", *notify, "the notification file that has the channels of their webhooks");
  auto job = std::make_shared<std::string>();
  CLI::App* test = rules->add_subcommand("test", "Run tests of rules (docs/rules.md)");
  AddServerOptions(test, program);
  test->add_option("file", *files, "YAML files")->required();
  test->add_option("--job_id", *job, "over a job that the server has, in place of those that the tests make up");
  OnCommand(program, test, [program, files, job] {
    cli::RulesTestOptions options{*files, ShippedRules(), "", *job};
    if (job->empty()) return Report(cli::RunRulesTest(options));
    auto server = FindOrStartServer(program->server);
    if (!server.ok()) return Fail(server.status());
    options.server = *server;
    return Report(cli::RunRulesTest(options));
  });
  add("import", "Translate a rule file of Prometheus or Loki", [files] { return cli::RunRulesImport(files->front()); })
      ->get_option("file")
      ->expected(1);
  AddSuggest(program, rules);
  CLI::App* stats = rules->add_subcommand("stats", "How often each rule fired, and what people made of it");
  AddServerOptions(stats, program);
  AddOutput(stats, program);
  OnServerCommand(program, stats,
                  [program](const std::string& server) { return Report(cli::RunRuleStats(server, program->json())); });
}

}  // namespace

void AddDetectionCommands(Program* program) {
  AddDetect(program);
  AddDetectWorker(program);
  AddFindings(program);
  AddIncidents(program);
  AddRules(program);
}

}  // namespace rankscope
