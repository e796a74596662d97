#include <unistd.h>

#include "cli/import_command.h"
#include "cli/logs_command.h"
#include "cli/query_command.h"
#include "cli/series_command.h"
#include "commands.h"
#include "program.h"

// What asks for records.
namespace rankscope {
namespace {

constexpr char kSince[] =
    "10m, 2h30m, now, 2026-11-24 or 2026-11-24T10:00:00Z; counts back from now, of a job that has ended from its last "
    "record";

// A set, whether it is given with commas or by the option again.
void AddSet(CLI::App* command, const char* name, std::string* set, const char* what) {
  command->add_option(name, *set, what)->delimiter(',')->multi_option_policy(CLI::MultiOptionPolicy::Join);
}

// May be repeated; each has one value.
void AddEach(CLI::App* command, const char* name, std::vector<std::string>* values, const char* what) {
  command->add_option(name, *values, what)->take_all()->allow_extra_args(false);
}

void AddWhose(CLI::App* command, cli::LogsOptions* logs) {
  command->add_option("--job_id", logs->job, "the job")->required();
  AddSet(command, "--rank", &logs->ranks, "a set of ranks: 0-7,371,!3");
  AddSet(command, "--node_rank", &logs->node_ranks, "a set of node ranks");
  AddSet(command, "--host", &logs->hosts, "host names, comma between");
  AddSet(command, "--stream", &logs->streams,
         "stdout,stderr,metric,batch,event,host,gpu,stack (all; as text without the samples of host and gpu)");
  command->add_option("--attempt", logs->attempt, "of this launch or restart only, counted from 0")
      ->check(NotNegative());
  command->add_option("--since", logs->since, kSince);
  command->add_option("--until", logs->until, "as --since");
}

void AddLogs(Program* program) {
  CLI::App* command = program->app.add_subcommand("logs", "Print a job's lines of all ranks, merged by time");
  auto logs = std::make_shared<cli::LogsOptions>();
  logs->fold = isatty(STDOUT_FILENO) == 1;
  AddServerOptions(command, program);
  AddOutput(command, program);
  AddWhose(command, logs.get());
  AddEach(command, "-e,--grep,--include", &logs->include,
          "only lines whose text matches the regular expression (all of them); not fields");
  AddEach(command, "-x,--exclude", &logs->exclude, "no lines that match the regular expression");
  AddEach(command, "-H,--highlight", &logs->highlight, "mark a word");
  command->add_option("--limit", logs->limit, "the last N lines")->check(NotNegative());
  command->add_flag("-f,--follow", logs->follow, "go on with new lines");
  command
      ->add_option("--give-up-after", logs->give_up_after_s,
                   "seconds that -f waits for a server that is gone; 0: for ever")
      ->check(NotNegative())
      ->capture_default_str();
  command->add_flag("--fold,!--no-fold", logs->fold,
                    "one line for what several ranks say alike (default on a terminal)");
  command->add_flag("-t,--time", logs->show_time, "begin each line with its time (UTC)");
  AddColor(command, program);
  OnServerCommand(program, command, [program, logs](const std::string& server) {
    logs->server = server;
    logs->json = program->json();
    logs->color = UseColor(program->color);
    logs->find_server = [program] { return FindOrStartServer(program->server); };
    return Report(cli::RunLogs(*logs));
  });
}

void AddQuery(Program* program) {
  CLI::App* command =
      program->app.add_subcommand("query", "Ask anything of all records: rankscope query 'job:j \"out of memory\"'");
  auto query = std::make_shared<std::string>();
  AddServerOptions(command, program);
  AddTableOutput(command, program);
  command->add_option("query", *query, "filters | pipes, as docs/query.md describes them")->required();
  OnServerCommand(program, command, [program, query](const std::string& server) {
    return Report(cli::RunQueryCommand(server, *query, program->table_output, TableWidth()));
  });
}

void AddSeries(Program* program) {
  CLI::App* command = program->app.add_subcommand("series", "A metric over steps, rank by rank, or as a plot");
  auto series = std::make_shared<cli::SeriesOptions>();
  AddServerOptions(command, program);
  AddTableOutput(command, program);
  command->add_option("metric", series->metric, "loss, gradient_norm, gpu_memory_usage, …")->required();
  command->add_option("--job_id", series->job, "the job");
  command->add_option("--by", series->by, "rank; or the spread over the ranks of each node_rank, host or job")
      ->check(CLI::IsMember({"rank", "node_rank", "host", "job"}))
      ->capture_default_str();
  command->add_option("--where", series->query, "only records that the filter holds, as rank:0-7");
  command->add_option("--since", series->since, kSince);
  command->add_option("--points", series->points, "at most so many buckets a series")->check(CLI::Range(1, 100000));
  command->add_flag("--time", series->in_time, "over time and not over steps");
  command->add_flag("--plot", series->plot, "draw it");
  OnServerCommand(program, command, [program, series](const std::string& server) {
    series->server = server;
    series->output = program->table_output;
    series->width = TerminalWidth();
    return Report(cli::RunSeries(*series));
  });
}

void AddPatterns(Program* program) {
  CLI::App* command = program->app.add_subcommand("patterns", "What kinds of lines there are, most frequent first");
  auto patterns = std::make_shared<cli::PatternsOptions>();
  AddServerOptions(command, program);
  AddTableOutput(command, program);
  command->add_option("--job_id", patterns->job, "the job");
  command->add_option("--where", patterns->query, "only lines that the filter holds, as level:error");
  command->add_option("--since", patterns->since, kSince);
  command->add_option("--limit", patterns->limit, "so many patterns")->check(NotNegative())->capture_default_str();
  OnServerCommand(program, command, [program, patterns](const std::string& server) {
    patterns->server = server;
    patterns->output = program->table_output;
    patterns->width = TableWidth();
    return Report(cli::RunPatterns(*patterns));
  });
}

void AddImport(Program* program) {
  CLI::App* command = program->app.add_subcommand("import", "Folders of old logs become stored jobs");
  auto import = std::make_shared<cli::ImportOptions>();
  AddServerOptions(command, program);
  command->add_option("path", import->paths, "files or folders")->required();
  command->add_option("--job_id", import->job, "else the name of the folder");
  OnServerCommand(program, command, [import](const std::string& server) {
    import->server = server;
    return Report(cli::RunImport(*import));
  });
}

}  // namespace

void AddRecordCommands(Program* program) {
  AddLogs(program);
  AddQuery(program);
  AddSeries(program);
  AddPatterns(program);
  AddImport(program);
}

}  // namespace rankscope
