#include "access/token_file.h"

#include <sys/stat.h>

#include <cstdio>
#include <sstream>

#include "base/coding.h"
#include "base/file.h"

namespace rankscope::access {
namespace {

constexpr std::string_view kMagic = "rankscope-tokens 1 ";
constexpr size_t kHashLength = 64;

std::string ChecksumOf(std::string_view body) {
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(base::Checksum(body)));
  return hex;
}

std::string Encode(const std::vector<Token>& tokens) {
  std::string body;
  for (const Token& token : tokens) {
    body += token.id + " " + std::string(NameOf(token.role)) + " " + token.project + " " +
            std::to_string(token.created) + " " + token.hash + " " + token.note + "\n";
  }
  return std::string(kMagic) + ChecksumOf(body) + "\n" + body;
}

bool DecodeLine(const std::string& line, Token* token) {
  std::istringstream in(line);
  std::string role;
  if (!(in >> token->id >> role >> token->project >> token->created >> token->hash)) return false;
  in.get();
  std::getline(in, token->note);
  auto parsed = ParseRole(role);
  if (!parsed.ok() || token->hash.size() != kHashLength) return false;
  token->role = *parsed;
  return CheckProjectName(token->project).ok();
}

base::Status Write(const std::string& path, const std::vector<Token>& tokens) {
  mode_t before = umask(077);
  base::Status status = base::WriteFileAtomically(path, Encode(tokens));
  umask(before);
  return status;
}

}  // namespace

base::Result<std::vector<Token>> ReadTokens(const std::string& path) {
  auto text = base::ReadWholeFile(path);
  if (text.status().code() == base::Code::kNotFound) return std::vector<Token>();
  if (!text.ok()) return text.status();
  size_t end = text->find('\n');
  if (!text->starts_with(kMagic) || end == std::string::npos) return base::Status::Corrupt(path + ": no token file");
  std::string body = text->substr(end + 1);
  if (text->substr(kMagic.size(), end - kMagic.size()) != ChecksumOf(body)) {
    return base::Status::Corrupt(path + ": checksum differs; move it away and create the tokens anew");
  }
  std::vector<Token> tokens;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    Token token;
    if (!DecodeLine(line, &token)) {
      return base::Status::Corrupt(path + ": line " + std::to_string(tokens.size() + 2) + " is no token");
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

base::Status AddToken(const std::string& path, const Token& token) {
  ASSIGN_OR_RETURN(base::UniqueFd lock, base::LockFile(path + ".lock"));
  ASSIGN_OR_RETURN(std::vector<Token> tokens, ReadTokens(path));
  tokens.push_back(token);
  return Write(path, tokens);
}

base::Status RevokeToken(const std::string& path, const std::string& id) {
  ASSIGN_OR_RETURN(base::UniqueFd lock, base::LockFile(path + ".lock"));
  ASSIGN_OR_RETURN(std::vector<Token> tokens, ReadTokens(path));
  if (std::erase_if(tokens, [&](const Token& token) { return token.id == id; }) == 0) {
    return base::Status::NotFound("no token " + id + " in " + path);
  }
  return Write(path, tokens);
}

}  // namespace rankscope::access
