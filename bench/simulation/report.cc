#include "simulation/report.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

namespace rankscope::simulation {
namespace {

double Share(int64_t part, int64_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Text(const char* format, double value) {
  char text[32];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
std::string Percent(int64_t part, int64_t whole) { return whole == 0 ? "" : Text("%.3f", Share(part, whole)); }

int64_t Middle(std::vector<int64_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

void Report::Add(const std::string& fault, const Judgement& judgement) {
  Row& row = rows_[fault];
  ++row.runs;
  row.found += judgement.found ? 1 : 0;
  row.in_time += judgement.in_time ? 1 : 0;
  if (judgement.found) row.delays.push_back(judgement.delay);
  if (judgement.right_whom) ++row.whom;
  row.right_whom += judgement.right_whom.value_or(false) ? 1 : 0;
  if (judgement.right_cause) ++row.cause;
  row.right_cause += judgement.right_cause.value_or(false) ? 1 : 0;
  for (const Alarm& alarm : judgement.alarms) {
    ++(alarm.right ? right_alarms_ : false_alarms_);
    if (alarm.right) continue;
    ++row.false_alarms;
    ++false_by_rule_[alarm.rule];
  }
}

void Report::AddHours(double hours, const Judgement& judgement, Hours* sum) {
  sum->hours += hours;
  sum->alarms += static_cast<int64_t>(judgement.alarms.size());
  for (const Alarm& alarm : judgement.alarms) ++false_by_rule_[alarm.rule];
}

Report::Row Report::Sum() const {
  Row sum;
  for (const auto& [fault, row] : rows_) {
    if (fault.empty()) continue;
    sum.runs += row.runs;
    sum.found += row.found;
    sum.in_time += row.in_time;
    sum.whom += row.whom;
    sum.right_whom += row.right_whom;
    sum.cause += row.cause;
    sum.right_cause += row.right_cause;
  }
  return sum;
}

double Report::recall() const { return Share(Sum().found, Sum().runs); }
double Report::precision() const { return Share(right_alarms_, right_alarms_ + false_alarms_); }
double Report::right_rank() const { return Share(Sum().right_whom, Sum().whom); }
double Report::in_time() const { return Share(Sum().in_time, Sum().found); }

bool Report::HoldsGoals() const {
  return recall() >= kRecall && precision() >= kPrecision && right_rank() >= kRightRank &&
         alarms_in_100_job_hours() <= kAlarmRate && alarms_in_1000_rank_hours() <= kAlarmRate;
}

void Report::PrintFaults(std::ostream* out) const {
  *out
      << "| fault | runs | recall | in time | median delay, steps | right rank or node | right cause | false alarms |\n"
      << "|---|---|---|---|---|---|---|---|\n";
  for (const auto& [fault, row] : rows_) {
    *out << "| " << (fault.empty() ? "none" : fault) << " | " << row.runs << " | ";
    if (!fault.empty()) {
      *out << Percent(row.found, row.runs) << " | " << Percent(row.in_time, row.found) << " | " << Middle(row.delays);
    } else {
      *out << "| |";
    }
    *out << " | " << Percent(row.right_whom, row.whom) << " | " << Percent(row.right_cause, row.cause) << " | "
         << row.false_alarms << " |\n";
  }
}

void Report::PrintAlarms(std::ostream* out) const {
  for (const auto& [rule, count] : false_by_rule_) *out << "false alarms of " << rule << ": " << count << '\n';
}

void Report::PrintSummary(std::ostream* out) const {
  if (!rows_.empty()) {
    *out << "recall " << Text("%.3f", recall()) << " (goal 0.97), precision " << Text("%.3f", precision()) << " ("
         << right_alarms_ << " right alarms, " << false_alarms_ << " false; goal 0.97), right rank or node "
         << Text("%.3f", right_rank()) << " (goal 0.95), in time " << Text("%.3f", in_time()) << '\n';
  }
  for (const auto& [hours, of, per] : {std::tuple(jobs_, "job", 100), std::tuple(ranks_, "rank", 1000)}) {
    if (hours.hours == 0) continue;
    *out << "healthy: " << hours.alarms << " alarms in " << Text("%.0f", hours.hours) << ' ' << of << "-hours, "
         << Text("%.2f", per * hours.Rate()) << " in " << per << " (goal 1)\n";
  }
}

}  // namespace rankscope::simulation
