#include "cli/notify_command.h"
#include "cli/silence_command.h"
#include "commands.h"
#include "program.h"

// Who is told, and what nobody is told for a while.
namespace rankscope {
namespace {

// With a configuration no server is needed.
int TestChannel(Program* program, cli::NotifyOptions* options) {
  if (!options->config.empty()) return Report(cli::RunNotifyTest(*options));
  auto server = FindOrStartServer(program->server);
  if (!server.ok()) return Fail(server.status());
  options->server = *server;
  return Report(cli::RunNotifyServerTest(*options));
}

void AddTest(Program* program, CLI::App* notify) {
  CLI::App* test = notify->add_subcommand("test", "Send a test on a channel and say what came back");
  auto options = std::make_shared<cli::NotifyOptions>();
  test->add_option("channel", options->channel, "a receiver of the configuration")->required();
  test->add_option("--config", options->config, "the notification file, YAML; else the server's channel is tested");
  test->fallthrough();
  OnCommand(program, test, [program, options] { return TestChannel(program, options.get()); });
}

void AddNotify(Program* program) {
  CLI::App* notify = program->app.add_subcommand("notify", "Who is told of incidents, and how (docs/notifications.md)");
  notify->require_subcommand(1);
  AddServerOptions(notify, program);
  AddTest(program, notify);
  auto options = std::make_shared<cli::NotifyOptions>();
  auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = notify->add_subcommand(name, what);
    AddOutput(command, program);
    command->fallthrough();
    OnServerCommand(program, command, [program, options, run](const std::string& server) {
      options->server = server;
      options->json = program->json();
      return Report(run(*options));
    });
    return command;
  };
  add("status", "How each channel of the server does", cli::RunNotifyStatus);
  auto job = std::make_shared<std::string>();
  add("log", "What was told, where, and whether it arrived", [job](const cli::NotifyOptions& given) {
    return cli::RunNotifyLog(given, *job);
  })->add_option("--job_id", *job, "of this job only");
}

void AddSilence(Program* program) {
  CLI::App* silence = program->app.add_subcommand("silence", "What nobody is to be told of for a while");
  silence->require_subcommand(1);
  AddServerOptions(silence, program);
  auto options = std::make_shared<cli::SilenceOptions>();
  auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = silence->add_subcommand(name, what);
    command->fallthrough();
    OnServerCommand(program, command, [program, options, run](const std::string& server) {
      options->server = server;
      options->json = program->json();
      options->by = Who();
      return Report(run(*options));
    });
    return command;
  };
  CLI::App* begin = add("add", "Tell nobody of what all matchers match", cli::RunSilenceAdd);
  begin->add_option("--matcher", options->matchers, "as job=\"j-1\"; may be repeated")->required()->take_all();
  begin->add_option("--for", options->lasts, "so long, as 2h")->required()->transform(Duration());
  begin->add_option("--note", options->note, "why")->required();
  AddOutput(begin, program);
  AddOutput(add("list", "The silences that hold", cli::RunSilenceList), program);
  auto id = std::make_shared<std::string>();
  add("end", "End a silence now", [id](const cli::SilenceOptions& given) { return cli::RunSilenceEnd(given, *id); })
      ->add_option("id", *id, "as `silence list` shows it")
      ->required();
}

}  // namespace

void AddNotifyCommands(Program* program) {
  AddNotify(program);
  AddSilence(program);
}

}  // namespace rankscope
