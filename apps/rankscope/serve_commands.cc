#include "agent/run_directory.h"
#include "commands.h"
#include "program.h"

// What whoever keeps a server calls.
namespace rankscope {
namespace {

void AddAddresses(CLI::App* serve, ServeOptions* options) {
  serve->add_option("--data-dir", options->data_dir, "where everything is kept")->capture_default_str();
  serve->add_option("--http", options->http, "HOST:PORT of the HTTP API; port 0: a free one")->capture_default_str();
  serve->add_option("--grpc", options->grpc, "HOST:PORT for the agents [port 7071 of the host of --http]");
  serve->add_option("--grpc-advertise", options->grpc_advertise,
                    "HOST:PORT that agents are told to connect to (behind a NAT or a proxy); else that of --grpc");
  serve->add_flag("--insecure", options->insecure, "serve other addresses than loopback without tokens");
}

void AddQueryLimits(CLI::App* serve, base::Budget::Limits* limits) {
  serve->add_option("--query-memory", limits->memory_bytes, "memory of one query, as 128MiB; 0: no limit")
      ->transform(CLI::AsSizeValue(false))
      ->transform(NotNegative())  // comes before: that takes -1 for a large number
      ->capture_default_str();
  serve->add_option("--query-rows", limits->rows, "rows of one answer; 0: no limit")
      ->check(NotNegative())
      ->capture_default_str();
  serve
      ->add_option_function<int64_t>(
          "--query-timeout", [limits](int64_t seconds) { limits->time_ns = seconds * base::kNsPerSecond; },
          "seconds of one query; 0: no limit (default 300)")
      ->check(CLI::Range(0, 86400));
}

void AddRetention(CLI::App* serve, ServeOptions* options) {
  serve
      ->add_option("--retention", options->retention,
                   "[PROJECT=]30d: records older than that go, in whole segments, but for pinned jobs; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
  serve
      ->add_option("--retention-bytes", options->retention_bytes,
                   "[PROJECT=]100GB: beyond it the oldest segments of a project go; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
}

void AddServe(Program* program) {
  CLI::App* serve = program->app.add_subcommand("serve", "Run the server");
  auto options = std::make_shared<ServeOptions>();
  options->data_dir = agent::DataHome();
  AddAddresses(serve, options.get());
  serve->add_option("--lost-after", options->lost_after_s, "seconds of silence after which a job is lost")
      ->check(NotNegative())
      ->capture_default_str();
  serve
      ->add_option("--gpu-hour-price", options->gpu_hour_price,
                   "what a rank costs an hour, to say what an incident took")
      ->check(NotNegative());
  serve->add_option("--topology", options->topology, "YAML: where each node hangs on the network (docs/diagnose.md)");
  AddQueryLimits(serve, &options->query_limits);
  AddRetention(serve, options.get());
  serve
      ->add_option("--detect", options->detect,
                   "whether rules judge what comes, and jobs that end are diagnosed unasked")
      ->check(CLI::IsMember({"on", "off"}))
      ->option_text("{on,off}=on");
  AddRuleFiles(serve, &options->rules);
  serve->add_option("--notify", options->notify, "who is told of incidents and jobs: YAML (docs/notifications.md)");
  serve->add_option("--memtable-bytes", options->memtable_bytes)->group("");
  serve->add_option("--retention-every", options->retention_every_s)->group("");
  serve->add_option("--idle-exit", options->idle_exit_s)->group("");
  OnCommand(program, serve, [options] { return Serve(*options); });
}

void AddToken(Program* program) {
  CLI::App* token = program->app.add_subcommand("token", "Who may send to a server and read from it");
  auto options = std::make_shared<TokenOptions>();
  options->data_dir = agent::DataHome();
  token->require_subcommand(1);
  token->add_option("--data-dir", options->data_dir, "the server's; it may be running")->capture_default_str();
  CLI::App* create = token->add_subcommand("create", "Print a new token, once");
  create->add_option("--project", options->project, "where it opens")->capture_default_str();
  create->add_option("--role", options->role, "writer: sends; viewer: reads; operator and admin: both, and change jobs")
      ->check(CLI::IsMember({"writer", "viewer", "operator", "admin"}))
      ->capture_default_str();
  create->add_option("--note", options->note, "what it is for");
  create->fallthrough();
  OnCommand(program, create, [options] { return CreateToken(*options); });
  CLI::App* list = token->add_subcommand("list", "List them, without their secrets");
  AddOutput(list, program);
  list->fallthrough();
  OnCommand(program, list, [program, options] { return ListTokens(*options, program->json()); });
  CLI::App* revoke = token->add_subcommand("revoke", "Refuse a token from now on");
  revoke->add_option("id", options->id, "as `token list` shows it")->required();
  revoke->fallthrough();
  OnCommand(program, revoke, [options] { return RevokeToken(*options); });
}

void AddStore(Program* program) {
  CLI::App* store = program->app.add_subcommand("store", "Look after stored records");
  store->require_subcommand(1);
  auto add = [&](const char* action, const char* what) {
    CLI::App* command = store->add_subcommand(action, what);
    auto options = std::make_shared<StoreOptions>();
    options->action = action;
    command->add_option("directory", options->directory, "a server's data directory")->required();
    OnCommand(program, command, [program, options] {
      options->json = program->json();
      return StoreCommand(*options);
    });
    return command;
  };
  AddOutput(add("verify", "Compare every checksum; say what is damaged and lost"), program);
  AddOutput(add("stats", "Records, bytes and templates of each job"), program);
  add("compact", "Merge each job's segments; the server must not run");
}

}  // namespace

void AddServeCommands(Program* program) {
  AddServe(program);
  AddToken(program);
  AddStore(program);
}

}  // namespace rankscope
