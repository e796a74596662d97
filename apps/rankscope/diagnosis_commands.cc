#include "cli/diagnose_command.h"
#include "cli/knowledge_command.h"
#include "commands.h"
#include "program.h"

// What went wrong.
namespace rankscope {
namespace {

constexpr int kFailureFound = 3, kUnreadable = 2, kFixNotReached = 4;  // docs/exit-codes.md

int Unreadable(const base::Status& status) {
  Fail(status);
  return kUnreadable;
}

// Paths need no server.
int Diagnose(const Program& program, cli::DiagnoseOptions* options) {
  if (!options->job.empty()) {
    auto server = FindOrStartServer(program.server);
    if (!server.ok()) return Unreadable(server.status());
    options->server = *server;
  }
  using Output = cli::DiagnoseOptions::Output;
  options->output = program.output == "json" ? Output::kJson : program.output == "html" ? Output::kHtml : Output::kText;
  options->color = UseColor(program.color);
  auto healthy = cli::RunDiagnose(*options);
  if (healthy.ok()) return *healthy ? 0 : kFailureFound;
  return Unreadable(healthy.status());
}

void AddDiagnose(Program* program) {
  CLI::App* diagnose = program->app.add_subcommand("diagnose", "What went wrong: class, culprit, evidence, advice");
  auto options = std::make_shared<cli::DiagnoseOptions>();
  AddServerOptions(diagnose, program);
  diagnose->add_option("path", options->paths, "files or folders of logs, as they lie about; -: standard input");
  diagnose->add_option("--job_id", options->job, "a job that the server has");
  diagnose->add_option("--topology", options->topology, "YAML: what each node hangs on (docs/diagnose.md)");
  diagnose->add_option("-o,--output", program->output, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  AddColor(diagnose, program);
  OnCommand(program, diagnose, [program, options] { return Diagnose(*program, options.get()); });
}

void AddInsights(Program* program) {
  CLI::App* insights =
      program->app.add_subcommand("insights", "What the jobs teach together: failures, settings, time");
  AddServerOptions(insights, program);
  AddOutput(insights, program);
  OnServerCommand(program, insights,
                  [program](const std::string& server) { return Report(cli::RunInsights(server, program->json())); });
}

void AddDiff(Program* program) {
  CLI::App* diff = program->app.add_subcommand("diff", "What changed between two jobs");
  auto job = std::make_shared<std::string>(), old = std::make_shared<std::string>();
  AddServerOptions(diff, program);
  AddOutput(diff, program);
  diff->add_option("job", *job, "the new one")->required();
  diff->add_option("old", *old, "the old one")->required();
  OnServerCommand(program, diff, [program, job, old](const std::string& server) {
    return Report(cli::RunDiff(server, *job, *old, program->json()));
  });
}

int VerifyFix(const std::string& server, const std::string& job, const std::string& old, bool json) {
  auto state = cli::RunVerifyFix(server, job, old, json);
  if (!state.ok()) return Fail(state.status());
  return *state == cli::FixState::kGone ? 0 : *state == cli::FixState::kBack ? kFailureFound : kFixNotReached;
}

void AddVerifyFix(Program* program) {
  CLI::App* verify = program->app.add_subcommand("verify-fix", "Whether what broke an old job is gone in a new one");
  auto job = std::make_shared<std::string>(), old = std::make_shared<std::string>();
  AddServerOptions(verify, program);
  AddOutput(verify, program);
  verify->add_option("job", *job, "the new one; it may still run")->required();
  verify->add_option("--against", *old, "the old one")->required();
  OnServerCommand(program, verify, [program, job, old](const std::string& server) {
    return VerifyFix(server, *job, *old, program->json());
  });
}

}  // namespace

void AddDiagnosisCommands(Program* program) {
  AddDiagnose(program);
  AddInsights(program);
  AddDiff(program);
  AddVerifyFix(program);
}

}  // namespace rankscope
