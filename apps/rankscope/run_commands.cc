#include "agent/agent.h"
#include "base/environment.h"
#include "commands.h"
#include "model/action.h"
#include "program.h"

// What is called on the nodes where a job runs.
namespace rankscope {
namespace {

void AddRun(Program* program) {
  CLI::App* run = program->app.add_subcommand("run", "Run a training command: rankscope run -- torchrun … train.py");
  auto options = std::make_shared<RunOptions>();
  AddServerOptions(run, program);
  run->add_option(
      "--job_id", options->job,
      "else from Slurm, the rendezvous or MPI, else a new one; run again, it goes on with the next attempt");
  run->add_option("--label", options->labels, "KEY=VALUE …, kept with the job; may be repeated")
      ->take_all()
      ->allow_extra_args(false);  // else it takes the -- for the end of its values
  run->add_option("--sample-interval", options->sample_interval_s, "seconds between samples of host and GPUs; 0: none")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  run->add_option("--log_interval_steps", options->log_interval_steps,
                  "one metric record per so many steps of a rank (default 10)")
      ->check(CLI::Range(1U, model::kMostLogIntervalSteps));
  run->add_option("--spool-limit", options->spool_limit_bytes,
                  "disk for what the server has not taken yet, as 4GiB; beyond it the oldest printed text goes first")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  run->add_option("--buffering", options->buffering, "line: a printed line leaves at once; keep or none: as it is")
      ->check(CLI::IsMember({"line", "keep", "none"}));
  run->add_option("--alerts", options->alerts,
                  "a line on stderr for each finding of the server: auto (on a terminal), always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  run->add_flag("--allow-pause", options->allow_pause,
                "people and rules may hold all ranks between two steps, and have them save and end (docs/actions.md)");
  run->add_flag("--preload", options->preload,
                "give ranks that are not Python (or are, with -I or -S) a channel of their own, by LD_PRELOAD");
  run->add_option_function<double>(
         "--flush-timeout", [options](double seconds) { options->flush_timeout_ms = static_cast<int>(seconds * 1000); },
         "seconds to wait at the end for the acknowledgement")
      ->check(CLI::Range(0.0, 86400.0))
      ->default_str("2");
  run->add_option("command", options->command, "the command, after --")->required();
  OnCommand(program, run, [program, options] {
    options->server = program->server;
    return Run(*options);
  });
}

// What rankscope.init() starts for its process.
void AddKeep(Program* program) {
  CLI::App* keep = program->app.add_subcommand("keep", "")->group("");
  auto options = std::make_shared<RunOptions>();
  AddServerOptions(keep, program);
  keep->add_option("--pid", options->attach_pid)->required();
  keep->add_option("--ready-fd", options->ready_fd)->required();
  keep->add_option("--job_id", options->job);
  OnCommand(program, keep, [program, options] {
    options->server = program->server;
    return Run(*options);
  });
}

// What a keeper starts.
void AddAgent(Program* program) {
  CLI::App* agent = program->app.add_subcommand("agent", "")->group("");
  auto options = std::make_shared<agent::AgentOptions>();
  agent->add_option("--run-dir", options->run_directory)->required();
  agent->add_flag("--drain", options->drain);
  agent->add_option("--give-up-after", options->give_up_after_s);
  OnCommand(program, agent, [options] { return Report(agent::RunAgent(*options).status()); });
}

void AddDoctor(Program* program) {
  CLI::App* doctor = program->app.add_subcommand("doctor", "Check this node and say what to do");
  AddServerOptions(doctor, program);
  AddOutput(doctor, program);
  OnCommand(program, doctor, [program] {
    auto server = NamedServer(program->server);
    return server.ok() ? Doctor(*server, program->json()) : Fail(server.status());
  });
}

void AddSpool(Program* program) {
  CLI::App* spool = program->app.add_subcommand("spool", "What agents have not been able to send");
  auto options = std::make_shared<PushOptions>();
  spool->require_subcommand(1);
  CLI::App* push = spool->add_subcommand("push", "Send what a run left in its directory");
  push->add_option("directory", options->directory, "the run's directory, as `rankscope doctor` lists it")->required();
  push->add_option("--server", options->server, "the server's HTTP address, HOST:PORT (else the run's)");
  push->add_option("--token", program->token, "where the server wants one (else $RANKSCOPE_TOKEN, else the run's)");
  push->add_option("--give-up-after", options->give_up_after_s,
                   "seconds without an acknowledgement after which the rest stays where it is; 0: never")
      ->check(NotNegative())
      ->capture_default_str();
  OnCommand(program, push, [options] {
    options->token = base::EnvironmentVariable("RANKSCOPE_TOKEN");
    return PushSpool(*options);
  });
}

}  // namespace

void AddRunCommands(Program* program) {
  AddRun(program);
  AddDoctor(program);
  AddSpool(program);
  AddKeep(program);
  AddAgent(program);
}

}  // namespace rankscope
