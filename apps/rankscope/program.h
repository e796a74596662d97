#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "cli/rule_files.h"

namespace rankscope {

// The command line: its subcommands, the options that many of them share, and which one was chosen.
struct Program {
  CLI::App app{
      "Rankscope: what a training run is doing on every rank, and when it breaks, which rank, which step, why.",
      "rankscope"};
  std::string server, token, project;
  std::string output = "text", table_output = "table", color = "auto";
  std::function<int()> chosen;  // gives the exit code

  bool json() const { return output == "json"; }
};

// `run` is called with everything parsed if the command, and none below it, is what the user asks for.
void OnCommand(Program* program, CLI::App* command, std::function<int()> run);
// Likewise; it gets the server to ask, HOST:PORT (FindOrStartServer), or the command fails before.
void OnServerCommand(Program* program, CLI::App* command, std::function<int(const std::string& server)> run);

// --server, --token, --project.
void AddServerOptions(CLI::App* command, Program* program);
// What --token and --project say goes where everything of this process looks for it, and a secret out of its title.
void KeepCredentials(const Program& program, int argc, char** argv);
void AddOutput(CLI::App* command, Program* program);       // text or json
void AddTableOutput(CLI::App* command, Program* program);  // table, json or csv
void AddColor(CLI::App* command, Program* program);
void AddRuleFiles(CLI::App* command, cli::RuleSources* rules);
CLI::Validator NotNegative();
// A duration, as 90s, 10m or 2h30m; a number alone is one of seconds. To be used by `transform`.
CLI::Validator Duration();
// Of one that Duration has let pass.
int64_t SecondsOf(const std::string& duration);

bool UseColor(const std::string& when);
size_t TerminalWidth();
// 0: it goes to no terminal, and may be as wide as it likes.
size_t TableWidth();
// Who calls, as others would name them: user@host.
std::string Who();
// 0, or prints the error's line.
int Report(const base::Status& status);

// One file each.
void AddServeCommands(Program* program);      // serve, token, store
void AddRunCommands(Program* program);        // run, doctor, spool, and those that only we call
void AddRecordCommands(Program* program);     // logs, query, series, patterns, import
void AddActionCommands(Program* program);     // pause, resume, stop, dump-stacks, set
void AddJobCommands(Program* program);        // jobs, show, pin, unpin
void AddDetectionCommands(Program* program);  // detect, detect-worker, findings, rules
void AddDiagnosisCommands(Program* program);  // diagnose
void AddNotifyCommands(Program* program);     // notify, silence

}  // namespace rankscope
