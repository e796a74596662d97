#include "cli/diagnose_command.h"

#include <cstdio>

#include "diagnose/case.h"
#include "diagnose/signature_set.h"
#include "diagnose/verdict.h"
#include "diagnose/verdict_json.h"
#include "diagnose/verdict_page.h"

namespace rankscope::cli {
namespace {

std::string Shown(const diagnose::Verdict& verdict, const DiagnoseOptions& options) {
  switch (options.output) {
    case DiagnoseOptions::Output::kJson:
      return diagnose::ToJson(verdict) + "\n";
    case DiagnoseOptions::Output::kHtml:
      return diagnose::ToHtml(verdict);
    case DiagnoseOptions::Output::kText:
      break;
  }
  return diagnose::ToText(verdict, options.color);
}

}  // namespace

base::Result<bool> RunDiagnose(const DiagnoseOptions& options) {
  ASSIGN_OR_RETURN(diagnose::Case read, diagnose::ReadCase(options.paths, diagnose::TellingLines()));
  for (const std::string& skipped : read.skipped) std::fprintf(stderr, "left out: %s\n", skipped.c_str());
  diagnose::Verdict verdict = diagnose::Diagnose(read);
  std::string page = Shown(verdict, options);
  std::fwrite(page.data(), 1, page.size(), stdout);
  return verdict.healthy;
}

}  // namespace rankscope::cli
