#include "access/token.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "access/token_file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json_text.h"
#include "commands.h"
#include "model/record_json.h"

namespace rankscope {

std::string TokenFile(const std::string& data_dir) { return data_dir + "/tokens"; }

// The token alone goes to stdout, so that a script can take it; nobody sees it again.
int CreateToken(const TokenOptions& options) {
  auto role = access::ParseRole(options.role);
  if (!role.ok()) return Fail(role.status());
  if (auto status = access::CheckProjectName(options.project); !status.ok()) return Fail(status);
  if (options.note.find('\n') != std::string::npos) return Fail(base::Status::Invalid("--note is one line"));
  if (auto status = base::MakeDirectories(options.data_dir); !status.ok()) return Fail(status);
  access::IssuedToken issued = access::IssueToken(*role, options.project, options.note, base::WallNow());
  auto status = access::AddToken(TokenFile(options.data_dir), issued.token);
  if (!status.ok()) return Fail(status);
  std::fprintf(stderr, "rankscope: token %s, %s of project %s; shown only now: keep it in $RANKSCOPE_TOKEN\n",
               issued.token.id.c_str(), options.role.c_str(), options.project.c_str());
  std::printf("%s\n", issued.text.c_str());
  return 0;
}

int ListTokens(const TokenOptions& options, bool json) {
  auto tokens = access::ReadTokens(TokenFile(options.data_dir));
  if (!tokens.ok()) return Fail(tokens.status());
  if (!json) std::printf("%-8s  %-8s  %-20s  %-30s  %s\n", "ID", "ROLE", "PROJECT", "CREATED", "NOTE");
  for (const access::Token& token : *tokens) {
    std::string role(access::NameOf(token.role)), created = model::FormatTime(token.created);
    if (json) {
      nlohmann::json row = {
          {"id", token.id}, {"role", role}, {"project", token.project}, {"created", created}, {"note", token.note}};
      std::printf("%s\n", base::JsonText(row).c_str());
    } else {
      std::printf("%-8s  %-8s  %-20s  %-30s  %s\n", token.id.c_str(), role.c_str(), token.project.c_str(),
                  created.c_str(), token.note.c_str());
    }
  }
  return 0;
}

int RevokeToken(const TokenOptions& options) {
  auto status = access::RevokeToken(TokenFile(options.data_dir), options.id);
  if (!status.ok()) return Fail(status);
  std::printf("%s revoked\n", options.id.c_str());
  return 0;
}

}  // namespace rankscope
