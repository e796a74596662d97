#pragma once

#include <string>
#include <string_view>

#include "catalog/catalog.h"
#include "diagnose/verdict/verdict.h"
#include "model/record.h"

namespace rankscope::monitor {

constexpr std::string_view kDiagnosis = "diagnosis";

// The verdict as an event record of its job, at the time that the job has come to: what logs and tails show, and what
// says after a restart that it was told.
model::Record DiagnosisEvent(const catalog::JobRow& job, const diagnose::Verdict& verdict, const std::string& reason);
// What two diagnoses of a job have in common that say the same: class, culprit and root line.
std::string GistOf(const model::Record& event);

}  // namespace rankscope::monitor
