#include <cstdlib>

#include "cli/actions_command.h"
#include "model/action.h"
#include "program.h"

// What is done about a running job by hand.
namespace rankscope {
namespace {

using Options = std::shared_ptr<cli::ActionOptions>;

CLI::App* AddAction(Program* program, const char* name, const char* what, const Options& options) {
  CLI::App* command = program->app.add_subcommand(name, what);
  AddServerOptions(command, program);
  AddOutput(command, program);
  command->add_option("job", options->job, "the job")->required();
  command->add_option("--note", options->note, "why");
  OnServerCommand(program, command, [program, options](const std::string& server) {
    options->server = server;
    options->by = Who();
    options->json = program->json();
    return Report(cli::RunAction(*options));
  });
  return command;
}

Options Named(const char* action) {
  auto options = std::make_shared<cli::ActionOptions>();
  options->action = action;
  return options;
}

CLI::Validator NotLongerThan(int64_t seconds) {
  return CLI::Validator(
      [seconds](const std::string& text) {
        return SecondsOf(text) > seconds ? "want at most " + std::to_string(seconds / 3600) + "h" : std::string();
      },
      "");
}

void AddPause(Program* program) {
  Options options = Named("pause_job");
  CLI::App* pause =
      AddAction(program, "pause", "Have all ranks wait before the same step, where the job allows it", options);
  pause
      ->add_option_function<std::string>(
          "--for", [options](const std::string& text) { options->hold_s = SecondsOf(text); },
          "so long at most, as 10m, then they save and end; never more than half of the collectives' timeout")
      ->transform(Duration())
      ->check(NotLongerThan(model::kLongestHoldS));
}

CLI::Validator ArgumentOf(const std::string& action, const std::string& values) {
  return CLI::Validator(
      [action](const std::string& text) {
        auto parsed = model::ParseAction(action + " " + text);
        return parsed.ok() ? std::string() : parsed.status().message();
      },
      values);
}

// One of its settings a call.
void AddSet(Program* program) {
  Options options = Named("");
  CLI::App* set = AddAction(program, "set", "Change a running job's settings", options);
  auto* choice = set->add_option_group("setting");
  choice
      ->add_option_function<std::string>(
          "--log_interval_steps",
          [options](const std::string& steps) { options->action = "set_log_interval_steps " + steps; },
          "one metric record per so many steps")
      ->check(ArgumentOf("set_log_interval_steps", "1 to " + std::to_string(model::kMostLogIntervalSteps)));
  choice
      ->add_option_function<std::string>(
          "--level", [options](const std::string& level) { options->action = "set_level " + level; },
          "of the ranks' Python logging, from their next step on")
      ->check(ArgumentOf("set_level", "DEBUG|INFO|WARNING|ERROR"));
  choice->require_option(1);
}

}  // namespace

void AddActionCommands(Program* program) {
  AddPause(program);
  AddAction(program, "resume", "Let the ranks of a paused job go on", Named("resume_job"));
  AddAction(program, "stop", "Have all ranks save and end before the same step, where the job allows it",
            Named("stop_job"));
  AddAction(program, "dump-stacks", "Ask all ranks where they are: Python's stacks, as records of stream stack",
            Named("dump_stacks"));
  AddSet(program);
}

}  // namespace rankscope
