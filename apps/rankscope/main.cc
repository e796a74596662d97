#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agent/agent.h"
#include "agent/run_directory.h"
#include "base/environment.h"
#include "cli/detect_command.h"
#include "cli/import_command.h"
#include "cli/jobs_command.h"
#include "cli/logs_command.h"
#include "cli/notify_command.h"
#include "cli/query_command.h"
#include "cli/rules_command.h"
#include "cli/series_command.h"
#include "cli/show_command.h"
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

size_t TerminalWidth() {
  winsize size{};
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

// Who calls, as others would name them: user@host.
std::string Who() {
  const passwd* user = getpwuid(geteuid());
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  return (user ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + host;
}

struct Arguments {
  ServeOptions serve;
  StoreOptions store;
  RunOptions run;
  agent::AgentOptions agent;
  cli::LogsOptions logs;
  cli::SeriesOptions series;
  cli::PatternsOptions patterns;
  cli::ImportOptions imported;
  cli::DetectOptions detect;
  std::vector<std::string> rule_files;
  TokenOptions tokens;
  cli::NotifyOptions notify;
  std::string query, table_output = "table";
  std::string server, token, project, output = "text", color = "auto", show;
  std::string note;
  bool force = false;
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

// CLI11 takes -3 for a large number.
CLI::Validator NotNegative() {
  return CLI::Validator(
      [](const std::string& text) { return text.starts_with('-') ? "want a number from 0" : std::string(); }, "");
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
      ->check(NotNegative())
      ->capture_default_str();
  base::Budget::Limits& limits = arguments->serve.query_limits;
  serve->add_option("--query-memory", limits.memory_bytes, "memory of one query, as 128MiB; 0: no limit")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  serve->add_option("--query-rows", limits.rows, "rows of one answer; 0: no limit")->capture_default_str();
  serve
      ->add_option_function<int64_t>(
          "--query-timeout", [&limits](int64_t seconds) { limits.time_ns = seconds * base::kNsPerSecond; },
          "seconds of one query; 0: no limit (default 300)")
      ->check(CLI::Range(0, 86400));
  serve
      ->add_option("--retention", arguments->serve.retention,
                   "[PROJECT=]30d: records older than that go, in whole segments, but for pinned jobs; may be repeated")
      ->take_all();
  serve
      ->add_option("--retention-bytes", arguments->serve.retention_bytes,
                   "[PROJECT=]100GB: beyond it the oldest segments of a project go; may be repeated")
      ->take_all();
  serve->add_option("--memtable-bytes", arguments->serve.memtable_bytes)->group("");
  serve->add_option("--retention-every", arguments->serve.retention_every_s)->group("");
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
  command->add_option("--limit", logs.limit, "the last N lines")->check(NotNegative());
  command->add_flag("-f,--follow", logs.follow, "go on with new lines");
  command->add_flag("--fold,!--no-fold", logs.fold,
                    "one line for what several ranks say alike (default on a terminal)");
  command->add_flag("-t,--time", logs.show_time, "begin each line with its time (UTC)");
  command->add_option("--color", arguments->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void AddTableOutput(CLI::App* command, Arguments* arguments) {
  command->add_option("-o,--output", arguments->table_output, "table, json (an object a line) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
}

void AddQueries(CLI::App* app, Arguments* arguments) {
  CLI::App* query =
      app->add_subcommand("query", "Ask anything of all records: rankscope query 'job:j \"out of memory\"'");
  AddServer(query, arguments);
  AddTableOutput(query, arguments);
  query->add_option("query", arguments->query, "filters | pipes, as docs/query.md describes them")->required();

  cli::SeriesOptions& options = arguments->series;
  CLI::App* series = app->add_subcommand("series", "A metric over steps, rank by rank, or as a plot");
  AddServer(series, arguments);
  AddTableOutput(series, arguments);
  series->add_option("metric", options.metric, "loss, gradient_norm, gpu_memory_usage, …")->required();
  series->add_option("--job_id", options.job, "the job");
  series->add_option("--by", options.by, "rank; or the spread over the ranks of each node_rank, host or job")
      ->check(CLI::IsMember({"rank", "node_rank", "host", "job"}))
      ->capture_default_str();
  series->add_option("--where", options.query, "only records that the filter holds, as rank:0-7");
  series->add_option("--since", options.since, "10m, 2h30m or 2026-11-24T10:00:00Z");
  series->add_option("--points", options.points, "at most so many buckets a series")->check(NotNegative());
  series->add_flag("--time", options.in_time, "over time and not over steps");
  series->add_flag("--plot", options.plot, "draw it");

  cli::PatternsOptions& patterns = arguments->patterns;
  CLI::App* listed = app->add_subcommand("patterns", "What kinds of lines there are, most frequent first");
  AddServer(listed, arguments);
  AddTableOutput(listed, arguments);
  listed->add_option("--job_id", patterns.job, "the job");
  listed->add_option("--where", patterns.query, "only lines that the filter holds, as level:error");
  listed->add_option("--since", patterns.since, "10m, 2h30m or 2026-11-24T10:00:00Z");
  listed->add_option("--limit", patterns.limit, "so many patterns")->check(NotNegative())->capture_default_str();

  CLI::App* import = app->add_subcommand("import", "Folders of old logs become stored jobs");
  AddServer(import, arguments);
  import->add_option("path", arguments->imported.paths, "files or folders")->required();
  import->add_option("--job_id", arguments->imported.job, "else the name of the folder");

  CLI::App* show = app->add_subcommand("show", "One page about a job: health, odd ranks, last words");
  AddServer(show, arguments);
  show->add_option("job", arguments->show, "the job")->required();
}

int RunQueries(const CLI::App& app, const std::string& server, Arguments* arguments) {
  if (app.got_subcommand("query")) {
    return Report(cli::RunQueryCommand(server, arguments->query, arguments->table_output));
  }
  if (app.got_subcommand("patterns")) {
    arguments->patterns.server = server;
    arguments->patterns.output = arguments->table_output;
    return Report(cli::RunPatterns(arguments->patterns));
  }
  if (app.got_subcommand("import")) {
    arguments->imported.server = server;
    return Report(cli::RunImport(arguments->imported));
  }
  if (app.got_subcommand("show")) return Report(cli::RunShow(server, arguments->show, TerminalWidth()));
  arguments->series.server = server;
  arguments->series.output = arguments->table_output;
  arguments->series.width = TerminalWidth();
  return Report(cli::RunSeries(arguments->series));
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
  CLI::App* remove = jobs->add_subcommand("delete", "Remove a job and all its records, for good");
  remove->add_option("job", arguments->show, "the job")->required();
  remove->add_flag("--force", arguments->force, "although it is pinned or running");
  remove->fallthrough();
  CLI::App* pin = app->add_subcommand("pin", "Keep a job, whatever the retention");
  AddServer(pin, arguments);
  pin->add_option("job", arguments->show, "the job")->required();
  pin->add_option("--note", arguments->note, "why");
  CLI::App* unpin = app->add_subcommand("unpin", "Leave a job to the retention again");
  AddServer(unpin, arguments);
  unpin->add_option("job", arguments->show, "the job")->required();
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

void AddStore(CLI::App* app, StoreOptions* options) {
  CLI::App* store = app->add_subcommand("store", "Look after stored records");
  store->require_subcommand(1);
  auto add = [&](const char* action, const char* what) {
    CLI::App* command = store->add_subcommand(action, what);
    command->add_option("directory", options->directory, "a server's data directory")->required();
    command->callback([options, action] { options->action = action; });
  };
  add("verify", "Compare every checksum; say what is damaged and lost");
  add("stats", "Records, bytes and templates of each job");
  add("compact", "Merge each job's segments; the server must not run");
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

// The rules that are shipped lie beside the program, in the build tree as when installed.
std::string ShippedRules() {
  std::string program = ProgramPath();
  return program.substr(0, program.rfind('/')) + "/../lib/rankscope/rules";
}

void AddDetect(CLI::App* app, Arguments* arguments) {
  CLI::App* detect = app->add_subcommand("detect", "Findings of the rules in log files, or in a stored job");
  AddServer(detect, arguments);
  AddOutput(detect, arguments);
  detect->add_option("path", arguments->detect.paths, "files or folders: logs, or records in JSON (*.jsonl)");
  detect->add_option("--job_id", arguments->detect.job, "a job that the server has");
  detect->add_option("--rules", arguments->detect.rules.files, "a rule file beside those that are shipped")
      ->take_all()
      ->allow_extra_args(false);
  CLI::App* rules = app->add_subcommand("rules", "Check, test and import rule files");
  rules->require_subcommand(1);
  auto add = [&](const char* name, const char* what) {
    return rules->add_subcommand(name, what)->add_option("file", arguments->rule_files, "YAML files")->required();
  };
  add("lint", "Say what is wrong with rule files");
  add("test", "Run tests of rules (docs/rules.md)");
  add("import", "Translate a rule file of Prometheus or Loki")->expected(1);
}

void AddNotify(CLI::App* app, cli::NotifyOptions* options) {
  CLI::App* notify = app->add_subcommand("notify", "Who is told of incidents, and how (docs/notifications.md)");
  notify->require_subcommand(1);
  CLI::App* test = notify->add_subcommand("test", "Send a test on a channel and say what came back");
  test->add_option("channel", options->channel, "a receiver of the configuration")->required();
  test->add_option("--config", options->config, "the notification file, YAML")->required();
}

int RunRules(const CLI::App& rules, const Arguments& arguments) {
  if (rules.got_subcommand("lint")) return Report(cli::RunRulesLint(arguments.rule_files));
  if (rules.got_subcommand("test")) return Report(cli::RunRulesTest(arguments.rule_files, ShippedRules()));
  return Report(cli::RunRulesImport(arguments.rule_files.front()));
}

// Paths need no server.
int RunDetectCommand(Arguments* arguments) {
  cli::DetectOptions& options = arguments->detect;
  options.rules.shipped = ShippedRules();
  options.json = arguments->output == "json";
  if (!options.job.empty()) {
    auto server = FindOrStartServer(arguments->server);
    if (!server.ok()) return Fail(server.status());
    options.server = *server;
  }
  return Report(cli::RunDetect(options));
}

int RunTokenCommand(const CLI::App& token, const Arguments& arguments) {
  if (token.got_subcommand("create")) return CreateToken(arguments.tokens);
  if (token.got_subcommand("list")) return ListTokens(arguments.tokens, arguments.output == "json");
  return RevokeToken(arguments.tokens);
}

int RunCommand(const CLI::App& app, Arguments* arguments) {
  bool json = arguments->output == "json";
  if (app.got_subcommand("serve")) return Serve(arguments->serve);
  if (app.got_subcommand("detect")) return RunDetectCommand(arguments);
  if (app.got_subcommand("rules")) return RunRules(*app.get_subcommand("rules"), *arguments);
  if (app.got_subcommand("notify")) return Report(cli::RunNotifyTest(arguments->notify));
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
  if (app.got_subcommand("store")) return StoreCommand(arguments->store);
  if (app.got_subcommand("doctor")) {
    std::string set = base::EnvironmentVariable("RANKSCOPE_SERVER");
    return Doctor(arguments->server.empty() ? set : arguments->server, json);
  }
  auto server = FindOrStartServer(arguments->server);
  if (!server.ok()) return Fail(server.status());
  if (app.got_subcommand("pin")) return Report(cli::RunPin(*server, arguments->show, Who(), arguments->note));
  if (app.got_subcommand("unpin")) return Report(cli::RunUnpin(*server, arguments->show));
  if (app.got_subcommand("jobs")) {
    if (app.get_subcommand("jobs")->got_subcommand("delete")) {
      return Report(cli::RunJobsDelete(*server, arguments->show, arguments->force));
    }
    if (app.get_subcommand("jobs")->got_subcommand("set")) {
      return Report(cli::RunJobsSet(*server, arguments->show, arguments->run.log_interval_steps));
    }
    return Report(arguments->show.empty() ? cli::RunJobs(*server, json)
                                          : cli::RunJobsShow(*server, arguments->show, json));
  }
  for (const char* command : {"query", "series", "patterns", "show", "import"}) {
    if (app.got_subcommand(command)) return RunQueries(app, *server, arguments);
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
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("pclmul")) {
    std::fputs("rankscope: this machine's processor has no AVX2\n", stderr);
    return 1;
  }
#endif
  rankscope::Arguments arguments;
  CLI::App app(
      "Rankscope: what a training run is doing on every rank, and when it breaks, which rank, which step, why.");
  app.set_version_flag("--version", RANKSCOPE_VERSION);
  app.require_subcommand(1);
  rankscope::AddServe(&app, &arguments);
  rankscope::AddRun(&app, &arguments);
  rankscope::AddLogs(&app, &arguments);
  rankscope::AddQueries(&app, &arguments);
  rankscope::AddOthers(&app, &arguments);
  rankscope::AddStore(&app, &arguments.store);
  rankscope::AddToken(&app, &arguments);
  rankscope::AddDetect(&app, &arguments);
  rankscope::AddNotify(&app, &arguments.notify);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  rankscope::KeepCredentials(arguments, argc, argv);
  return rankscope::RunCommand(app, &arguments);
}
