#include "cli/jobs_command.h"
#include "cli/show_command.h"
#include "model/action.h"
#include "program.h"

// What asks for jobs, and decides about them.
namespace rankscope {
namespace {

using Job = std::shared_ptr<std::string>;

void AddJob(CLI::App* command, const Job& job) {
  auto named = [](const std::string& text) { return text.empty() ? "want the name of a job" : std::string(); };
  command->add_option("job", *job, "the job")->required()->check(CLI::Validator(named, ""));
}

void AddJobsShow(Program* program, CLI::App* jobs) {
  CLI::App* show = jobs->add_subcommand("show", "One job: its state, its configuration, its ranks");
  auto job = std::make_shared<std::string>();
  AddJob(show, job);
  show->fallthrough();
  OnServerCommand(program, show, [program, job](const std::string& server) {
    return Report(cli::RunJobsShow(server, *job, program->json(), TableWidth()));
  });
}

void AddJobsSet(Program* program, CLI::App* jobs) {
  CLI::App* set = jobs->add_subcommand("set", "Change a running job's settings");
  auto job = std::make_shared<std::string>();
  auto steps = std::make_shared<int>();
  AddJob(set, job);
  set->add_option("--log_interval_steps", *steps, "one metric record per so many steps")
      ->check(CLI::Range(1U, model::kMostLogIntervalSteps))
      ->required();
  set->fallthrough();
  OnServerCommand(program, set, [program, job, steps](const std::string& server) {
    return Report(cli::RunJobsSet(server, *job, *steps, program->json()));
  });
}

void AddJobsDelete(Program* program, CLI::App* jobs) {
  CLI::App* remove = jobs->add_subcommand("delete", "Remove a job and all its records, for good");
  auto job = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  AddJob(remove, job);
  remove->add_flag("--force", *force, "although it is pinned or running");
  remove->fallthrough();
  OnServerCommand(program, remove,
                  [job, force](const std::string& server) { return Report(cli::RunJobsDelete(server, *job, *force)); });
}

void AddJobs(Program* program) {
  CLI::App* jobs = program->app.add_subcommand("jobs", "List jobs; `jobs show J` for one");
  AddServerOptions(jobs, program);
  AddOutput(jobs, program);
  AddJobsShow(program, jobs);
  AddJobsSet(program, jobs);
  AddJobsDelete(program, jobs);
  OnServerCommand(program, jobs, [program](const std::string& server) {
    return Report(cli::RunJobs(server, program->json(), TableWidth()));
  });
}

void AddShow(Program* program) {
  CLI::App* show = program->app.add_subcommand("show", "One page about a job: health, odd ranks, last words");
  auto job = std::make_shared<std::string>();
  AddServerOptions(show, program);
  AddOutput(show, program);
  AddJob(show, job);
  OnServerCommand(program, show, [program, job](const std::string& server) {
    return Report(cli::RunShow(server, *job, program->json(), TableWidth()));
  });
}

void AddPins(Program* program) {
  CLI::App* pin = program->app.add_subcommand("pin", "Keep a job, whatever the retention");
  auto job = std::make_shared<std::string>(), note = std::make_shared<std::string>();
  AddServerOptions(pin, program);
  AddJob(pin, job);
  pin->add_option("--note", *note, "why");
  OnServerCommand(program, pin,
                  [job, note](const std::string& server) { return Report(cli::RunPin(server, *job, Who(), *note)); });
  CLI::App* unpin = program->app.add_subcommand("unpin", "Leave a job to the retention again");
  AddServerOptions(unpin, program);
  AddJob(unpin, job);
  OnServerCommand(program, unpin, [job](const std::string& server) { return Report(cli::RunUnpin(server, *job)); });
}

}  // namespace

void AddJobCommands(Program* program) {
  AddJobs(program);
  AddShow(program);
  AddPins(program);
}

}  // namespace rankscope
