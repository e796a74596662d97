#include "cli/diagnose_command.h"
#include "commands.h"
#include "program.h"

// What went wrong.
namespace rankscope {
namespace {

constexpr int kFailureFound = 3, kUnreadable = 2;

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
  diagnose->add_option("path", options->paths, "files or folders of logs, as they lie about");
  diagnose->add_option("--job_id", options->job, "a job that the server has");
  diagnose->add_option("-o,--output", program->output, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  AddColor(diagnose, program);
  OnCommand(program, diagnose, [program, options] { return Diagnose(*program, options.get()); });
}

}  // namespace

void AddDiagnosisCommands(Program* program) { AddDiagnose(program); }

}  // namespace rankscope
