#include "cli/diagnose_command.h"
#include "cli/notify_command.h"
#include "commands.h"
#include "program.h"

// What went wrong, and who is told.
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
  diagnose->add_option("--topology", options->topology, "YAML: what each node hangs on (docs/diagnose.md)");
  diagnose->add_option("-o,--output", program->output, "text, json or html")
      ->check(CLI::IsMember({"text", "json", "html"}))
      ->capture_default_str();
  AddColor(diagnose, program);
  OnCommand(program, diagnose, [program, options] { return Diagnose(*program, options.get()); });
}

void AddNotify(Program* program) {
  CLI::App* notify = program->app.add_subcommand("notify", "Who is told of incidents, and how (docs/notifications.md)");
  auto options = std::make_shared<cli::NotifyOptions>();
  notify->require_subcommand(1);
  CLI::App* test = notify->add_subcommand("test", "Send a test on a channel and say what came back");
  test->add_option("channel", options->channel, "a receiver of the configuration")->required();
  test->add_option("--config", options->config, "the notification file, YAML")->required();
  OnCommand(program, test, [options] { return Report(cli::RunNotifyTest(*options)); });
}

}  // namespace

void AddDiagnosisCommands(Program* program) {
  AddDiagnose(program);
  AddNotify(program);
}

}  // namespace rankscope
