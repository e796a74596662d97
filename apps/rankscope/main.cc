#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agent/agent.h"
#include "agent/run_directory.h"
#include "base/environment.h"
#include "cli/jobs_command.h"
#include "cli/logs_command.h"
#include "commands.h"

namespace rankscope {

std::string ProgramPath() {
  char path[4096];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : "rankscope";
}

int Fail(const base::Status& status) {
  std::fprintf(stderr, "rankscope: %s\n", status.message().c_str());
  return status.code() == base::Code::kInvalid ? 2 : 1;
}

namespace {

int Report(const base::Status& status) { return status.ok() ? 0 : Fail(status); }

bool UseColor(const std::string& when) {
  if (when != "auto") return when == "always";
  return isatty(STDOUT_FILENO) && base::EnvironmentVariable("NO_COLOR").empty();
}

struct Arguments {
  ServeOptions serve;
  RunOptions run;
  agent::AgentOptions agent;
  cli::LogsOptions logs;
  TokenOptions tokens;
  std::string server, token, project, output = "text", color = "auto", show;
  double flush_timeout_s = 2;
};

void AddServer(CLI::App* command, Arguments* arguments) {
  command->add_option("--server", arguments->server,
                      "the server's HTTP address, HOST:PORT (else $RANKSCOPE_SERVER, else the local one)");
  command->add_option("--token", arguments->token,
                      "where the server wants one (else $RANKSCOPE_TOKEN, which `ps` does not show)");
  command->add_option("--project", arguments->project, "else $RANKSCOPE_PROJECT, else the token's, else \"default\"");
}

// What the flags say goes where everything of this process looks for it, and a secret out of the process's title.
void KeepCredentials(const Arguments& arguments, int argc, char** argv) {
  if (!arguments.project.empty()) setenv("RANKSCOPE_PROJECT", arguments.project.c_str(), 1);
  if (arguments.token.empty()) return;
  setenv("RANKSCOPE_TOKEN", arguments.token.c_str(), 1);
  for (int i = 1; i < argc; ++i) {
    char* found = std::strstr(argv[i], arguments.token.c_str());
    if (found) std::memset(found, '*', arguments.token.size());
  }
}

void AddOutput(CLI::App* command, Arguments* arguments) {
  command->add_option("-o,--output", arguments->output, "text or json (an object a line)")
      ->check(CLI::IsMember({"text", "json"}));
}

void AddServe(CLI::App* app, Arguments* arguments) {
  CLI::App* serve = app->add_subcommand("serve", "Run the server");
  arguments->serve.data_dir = agent::DataHome();
  serve->add_option("--data-dir", arguments->serve.data_dir, "where everything is kept")->capture_default_str();
  serve->add_option("--http", arguments->serve.http, "HOST:PORT of the HTTP API; port 0: a free one")
      ->capture_default_str();
  serve->add_option("--grpc", arguments->serve.grpc, "HOST:PORT for the agents")->capture_default_str();
  serve->add_option("--grpc-advertise", arguments->serve.grpc_advertise,
                    "HOST:PORT that agents are told to connect to (behind a NAT or a proxy); else that of --grpc");
  serve->add_option("--lost-after", arguments->serve.lost_after_s, "seconds of silence after which a job is lost")
      ->capture_default_str();
  serve->add_flag("--insecure", arguments->serve.insecure, "serve other addresses than loopback without tokens");
  serve->add_option("--idle-exit", arguments->serve.idle_exit_s)->group("");
}

void AddRun(CLI::App* app, Arguments* arguments) {
  CLI::App* run = app->add_subcommand("run", "Run a training command: rankscope run -- torchrun … train.py");
  AddServer(run, arguments);
  run->add_option("--job_id", arguments->run.job, "else from Slurm, the rendezvous or MPI, else a new one");
  run->add_option("--label", arguments->run.labels, "KEY=VALUE, kept with the job; may be repeated")->take_all();
  run->add_option("--sample-interval", arguments->run.sample_interval_s,
                  "seconds between samples of host and GPUs; 0: none")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  run->add_option("--log_interval_steps", arguments->run.log_interval_steps,
                  "one metric record per so many steps of a rank (default 10)")
      ->check(CLI::Range(1, 1000000));
  run->add_option("--spool-limit", arguments->run.spool_limit_bytes,
                  "disk for what the server has not taken yet, as 4GiB; beyond it the oldest printed text goes first")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  run->add_option("--buffering", arguments->run.buffering,
                  "line: a printed line leaves at once; keep or none: as it is")
      ->check(CLI::IsMember({"line", "keep", "none"}));
  run->add_flag("--preload", arguments->run.preload,
                "give ranks that are not Python (or are, with -I or -S) a channel of their own, by LD_PRELOAD");
  run->add_option("--flush-timeout", arguments->flush_timeout_s, "seconds to wait at the end for the acknowledgement")
      ->capture_default_str();
  run->add_option("command", arguments->run.command, "the command, after --")->required();
}

void AddLogs(CLI::App* app, Arguments* arguments) {
  cli::LogsOptions& logs = arguments->logs;
  CLI::App* command = app->add_subcommand("logs", "Print a job's lines of all ranks, merged by time");
  AddServer(command, arguments);
  AddOutput(command, arguments);
  logs.fold = isatty(STDOUT_FILENO) == 1;
  command->add_option("--job_id", logs.job, "the job")->required();
  command->add_option("--rank", logs.ranks, "a set of ranks: 0-7,371,!3");
  command->add_option("--node_rank", logs.node_ranks, "a set of node ranks");
  command->add_option("--host", logs.hosts, "host names, comma between");
  command->add_option("--stream", logs.streams, "stdout,stderr,metric,batch,event,host,gpu,stack");
  command->add_option("--since", logs.since, "10m, 2h30m or 2026-11-24T10:00:00Z");
  command->add_option("--until", logs.until, "as --since");
  command->add_option("-e,--grep,--include", logs.include,
                      "only lines that match the regular expression (all of them)");
  command->add_option("-x,--exclude", logs.exclude, "no lines that match the regular expression");
  command->add_option("-H,--highlight", logs.highlight, "mark a word");
  command->add_option("--limit", logs.limit, "the last N lines");
  command->add_flag("-f,--follow", logs.follow, "go on with new lines");
  command->add_flag("--fold,!--no-fold", logs.fold,
                    "one line for what several ranks say alike (default on a terminal)");
  command->add_flag("-t,--time", logs.show_time, "begin each line with its time (UTC)");
  command->add_option("--color", arguments->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void AddOthers(CLI::App* app, Arguments* arguments) {
  CLI::App* jobs = app->add_subcommand("jobs", "List jobs; `jobs show J` for one");
  AddServer(jobs, arguments);
  AddOutput(jobs, arguments);
  CLI::App* show = jobs->add_subcommand("show", "One job: its state, its configuration, its ranks");
  show->add_option("job", arguments->show, "the job")->required();
  show->fallthrough();
  CLI::App* set = jobs->add_subcommand("set", "Change a running job's settings");
  set->add_option("job", arguments->show, "the job")->required();
  set->add_option("--log_interval_steps", arguments->run.log_interval_steps, "one metric record per so many steps")
      ->check(CLI::Range(1, 1000000))
      ->required();
  set->fallthrough();
  CLI::App* doctor = app->add_subcommand("doctor", "Check this node and say what to do");
  AddServer(doctor, arguments);
  AddOutput(doctor, arguments);
  CLI::App* keep = app->add_subcommand("keep", "")->group("");
  AddServer(keep, arguments);
  keep->add_option("--pid", arguments->run.attach_pid)->required();
  keep->add_option("--ready-fd", arguments->run.ready_fd)->required();
  keep->add_option("--job_id", arguments->run.job);
  CLI::App* agent = app->add_subcommand("agent", "")->group("");
  agent->add_option("--run-dir", arguments->agent.run_directory)->required();
  agent->add_flag("--drain", arguments->agent.drain);
  agent->add_option("--give-up-after", arguments->agent.give_up_after_s);
  CLI::App* spool = app->add_subcommand("spool", "What agents have not been able to send");
  spool->require_subcommand(1);
  spool->add_subcommand("push", "Send what a run left in its directory")
      ->add_option("directory", arguments->agent.run_directory, "the run's directory")
      ->required();
}

void AddToken(CLI::App* app, Arguments* arguments) {
  TokenOptions& tokens = arguments->tokens;
  tokens.data_dir = agent::DataHome();
  CLI::App* token = app->add_subcommand("token", "Who may send to a server and read from it");
  token->require_subcommand(1);
  token->add_option("--data-dir", tokens.data_dir, "the server's; it may be running")->capture_default_str();
  CLI::App* create = token->add_subcommand("create", "Print a new token, once");
  create->add_option("--project", tokens.project, "where it opens")->capture_default_str();
  create->add_option("--role", tokens.role, "writer: sends; viewer: reads; operator and admin: both, and change jobs")
      ->check(CLI::IsMember({"writer", "viewer", "operator", "admin"}))
      ->capture_default_str();
  create->add_option("--note", tokens.note, "what it is for");
  create->fallthrough();
  CLI::App* list = token->add_subcommand("list", "List them, without their secrets");
  AddOutput(list, arguments);
  list->fallthrough();
  CLI::App* revoke = token->add_subcommand("revoke", "Refuse a token from now on");
  revoke->add_option("id", tokens.id, "as `token list` shows it")->required();
  revoke->fallthrough();
}

int RunTokenCommand(const CLI::App& token, const Arguments& arguments) {
  if (token.got_subcommand("create")) return CreateToken(arguments.tokens);
  if (token.got_subcommand("list")) return ListTokens(arguments.tokens, arguments.output == "json");
  return RevokeToken(arguments.tokens);
}

int RunCommand(const CLI::App& app, Arguments* arguments) {
  bool json = arguments->output == "json";
  if (app.got_subcommand("serve")) return Serve(arguments->serve);
  if (app.got_subcommand("token")) return RunTokenCommand(*app.get_subcommand("token"), *arguments);
  if (app.got_subcommand("run") || app.got_subcommand("keep")) {
    arguments->run.server = arguments->server;
    arguments->run.flush_timeout_ms = static_cast<int>(arguments->flush_timeout_s * 1000);
    return Run(arguments->run);
  }
  if (app.got_subcommand("agent")) return Report(agent::RunAgent(arguments->agent));
  if (app.got_subcommand("spool")) {
    arguments->agent.drain = true;
    arguments->agent.token = base::EnvironmentVariable("RANKSCOPE_TOKEN");
    return Report(agent::RunAgent(arguments->agent));
  }
  if (app.got_subcommand("doctor")) {
    std::string set = base::EnvironmentVariable("RANKSCOPE_SERVER");
    return Doctor(arguments->server.empty() ? set : arguments->server, json);
  }
  auto server = FindOrStartServer(arguments->server);
  if (!server.ok()) return Fail(server.status());
  if (app.got_subcommand("jobs")) {
    if (app.get_subcommand("jobs")->got_subcommand("set")) {
      return Report(cli::RunJobsSet(*server, arguments->show, arguments->run.log_interval_steps));
    }
    return Report(arguments->show.empty() ? cli::RunJobs(*server, json)
                                          : cli::RunJobsShow(*server, arguments->show, json));
  }
  arguments->logs.server = *server;
  arguments->logs.json = json;
  arguments->logs.color = UseColor(arguments->color);
  return Report(cli::RunLogs(arguments->logs));
}

}  // namespace
}  // namespace rankscope

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);  // its failures come back to us as statuses, which we report in our words
  rankscope::Arguments arguments;
  CLI::App app(
      "Rankscope: what a training run is doing on every rank, and when it breaks, which rank, which step, why.");
  app.set_version_flag("--version", RANKSCOPE_VERSION);
  app.require_subcommand(1);
  rankscope::AddServe(&app, &arguments);
  rankscope::AddRun(&app, &arguments);
  rankscope::AddLogs(&app, &arguments);
  rankscope::AddOthers(&app, &arguments);
  rankscope::AddToken(&app, &arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  rankscope::KeepCredentials(arguments, argc, argv);
  return rankscope::RunCommand(app, &arguments);
}
