#include <cstdio>
#include <cstdlib>

#include "base/version.h"
#include "command_line.h"
#include "program.h"
#include "usage_error.h"

namespace rankscope {
namespace {

bool RunsHere() {
#ifdef __x86_64__
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("pclmul")) {
    std::fputs("rankscope: this machine's processor has no AVX2\n", stderr);
    return false;
  }
#endif
  return true;
}

void AddCommands(Program* program) {
  program->app.set_version_flag("--version", base::kVersion);
  program->app.require_subcommand(1);
  AddServeCommands(program);
  AddRunCommands(program);
  AddRecordCommands(program);
  AddActionCommands(program);
  AddJobCommands(program);
  AddDetectionCommands(program);
  AddDiagnosisCommands(program);
  AddNotifyCommands(program);
}

int Main(int argc, char** argv) {
  if (!RunsHere()) return 1;
  Program program;
  AddCommands(&program);
  const std::vector<std::string> words = CommandWords(argc, argv);
  try {
    program.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 wants them in this order
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.app.exit(error);  // --help, --version
    std::fputs(UsageError(program.app, error, words).c_str(), stderr);
    return 2;
  }
  KeepCredentials(program, argc, argv);
  return program.chosen();
}

}  // namespace
}  // namespace rankscope

int main(int argc, char** argv) {
  setenv("GRPC_VERBOSITY", "NONE", 0);  // its failures come back to us as statuses, which we report in our words
  return rankscope::Main(argc, argv);
}
