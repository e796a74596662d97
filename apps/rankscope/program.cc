#include "program.h"

#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/environment.h"
#include "commands.h"
#include "model/time_text.h"

namespace rankscope {

void OnCommand(Program* program, CLI::App* command, std::function<int()> run) {
  command->callback([program, command, run = std::move(run)] {
    if (command->get_subcommands().empty()) program->chosen = run;
  });
}

void OnServerCommand(Program* program, CLI::App* command, std::function<int(const std::string& server)> run) {
  OnCommand(program, command, [program, run = std::move(run)] {
    auto server = FindOrStartServer(program->server);
    return server.ok() ? run(*server) : Fail(server.status());
  });
}

void AddServerOptions(CLI::App* command, Program* program) {
  command->add_option("--server", program->server,
                      "the server's HTTP address, HOST:PORT (else $RANKSCOPE_SERVER, else the local one)");
  command->add_option("--token", program->token,
                      "where the server wants one (else $RANKSCOPE_TOKEN, which `ps` does not show)");
  command->add_option("--project", program->project, "else $RANKSCOPE_PROJECT, else the token's, else \"default\"");
}

void KeepCredentials(const Program& program, int argc, char** argv) {
  if (!program.project.empty()) setenv("RANKSCOPE_PROJECT", program.project.c_str(), 1);
  if (program.token.empty()) return;
  setenv("RANKSCOPE_TOKEN", program.token.c_str(), 1);
  for (int i = 1; i < argc; ++i) {
    char* found = std::strstr(argv[i], program.token.c_str());
    if (found) std::memset(found, '*', program.token.size());
  }
}

void AddOutput(CLI::App* command, Program* program) {
  command->add_option("-o,--output", program->output, "text or json (an object a line)")
      ->check(CLI::IsMember({"text", "json"}));
}

void AddTableOutput(CLI::App* command, Program* program) {
  command->add_option("-o,--output", program->table_output, "table, json (an object a line) or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
}

void AddColor(CLI::App* command, Program* program) {
  command->add_option("--color", program->color, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

void AddRuleFiles(CLI::App* command, cli::RuleSources* rules) {
  rules->shipped = ShippedRules();
  command->add_option("--rules", rules->files, "a rule file beside those that are shipped")
      ->take_all()
      ->allow_extra_args(false);
}

// CLI11 takes -3 for a large number, and NaN and infinity for numbers.
CLI::Validator NotNegative() {
  return CLI::Validator(
      [](const std::string& text) {
        bool wrong = text.starts_with('-') || !std::isfinite(std::strtod(text.c_str(), nullptr));
        return wrong ? "want a number from 0" : std::string();
      },
      "");
}

CLI::Validator Duration() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
        if (number) text += "s";
        auto duration = model::ParseDuration(text);
        return duration && *duration >= base::kNsPerSecond
                   ? ""
                   : "want a duration from 1s to 292 years, as 90s, 10m or 2h30m";
      },
      "DURATION");
}

int64_t SecondsOf(const std::string& duration) {
  return model::ParseDuration(duration).value_or(0) / base::kNsPerSecond;
}

bool UseColor(const std::string& when) {
  if (when != "auto") return when == "always";
  bool obeys = isatty(STDOUT_FILENO) == 1 && base::EnvironmentVariable("TERM") != "dumb";
  return obeys && base::EnvironmentVariable("NO_COLOR").empty();
}

size_t TerminalWidth() {
  winsize size{};
  bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

size_t TableWidth() { return isatty(STDOUT_FILENO) == 1 ? TerminalWidth() : 0; }

std::string Who() {
  const passwd* user = getpwuid(geteuid());
  char host[256] = "";
  (void)gethostname(host, sizeof host - 1);
  return (user ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + host;
}

void Say(const std::string& sentence) { std::fprintf(stderr, "rankscope: %s\n", sentence.c_str()); }

int Fail(const base::Status& status) {
  Say(status.message());
  return status.code() == base::Code::kInvalid ? 2 : 1;
}

int Report(const base::Status& status) { return status.ok() ? 0 : Fail(status); }

}  // namespace rankscope
