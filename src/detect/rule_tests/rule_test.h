#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "detect/finding.h"
#include "detect/rules/rule_set.h"
#include "model/record.h"
#include "model/selection.h"

namespace rankscope::detect {

// A job that is made up for a test.
struct TestWorld {
  std::string job = "test";
  int32_t ranks = 1, nodes = 1;
  int64_t first_step = 1;
  int64_t step_ns = base::kNsPerSecond;
  base::TimeNs start = 0;
  std::vector<int64_t> intervals = {1};  // the test runs at each: so many steps are one record
};

// A metric of some ranks, step by step.
struct TestSeries {
  std::string metric;
  model::NumberSet ranks;
  std::vector<std::optional<double>> values;  // nothing: the rank does not report it at that step
  double noise = 0, relative_noise = 0;       // standard deviations
  uint64_t seed = 1;
  model::Stream stream = model::Stream::kMetric;  // or a line of stdout, or batches
};

// A line (or an event) of one rank.
struct TestLine {
  std::optional<int64_t> step;  // told when the step ends, else
  int64_t after_ns = 0;         // so long after the start
  std::optional<int32_t> rank, node;
  model::Stream stream = model::Stream::kStdout;
  std::string text;
  model::Fields fields;
};

// From this step on every later one comes so much later.
struct TestPause {
  int64_t step = 0, ns = 0;
};

struct TestExpectation {
  enum class State : uint8_t { kFiring, kResolved, kNever };
  std::string rule;  // "*": any, at WARNING or above
  State state = State::kFiring;
  std::optional<int64_t> from_step, to_step;  // of its beginning
  std::optional<model::NumberSet> ranks;      // exactly these
  std::optional<int64_t> count;               // so many findings of it
  std::map<std::string, std::string> labels;  // severity, class, and others
  std::string likely;                         // the likeliest cause
  std::optional<int64_t> notifications;       // of all rules, at WARNING or above
};

struct RuleTest {
  std::string name, place;
  TestWorld world;
  std::vector<TestSeries> series;
  std::vector<TestLine> lines;
  std::vector<TestPause> pauses;
  std::string from;  // a file of records instead
  std::vector<TestExpectation> expectations;
};

struct RuleTestFile {
  std::vector<std::string> rule_files;  // empty: those that are shipped
  std::vector<RuleTest> tests;
};

// kInvalid: "NAME:LINE:COLUMN: what".
base::Result<RuleTestFile> ParseRuleTests(const std::string& name, const std::string& yaml);

// The records of the made-up job, in order.
std::vector<model::Record> RecordsOf(const RuleTest& test, int64_t interval);

// Runs the rules over the records; the findings in the order in which they began, in their last state.
std::vector<Finding> FindingsOf(const std::shared_ptr<const RuleSet>& rules, const std::vector<model::Record>& records);

// What differs from the expectations, a line each.
std::vector<std::string> Differences(const RuleTest& test, const RuleSet& rules, const std::vector<Finding>& findings,
                                     int64_t interval);

}  // namespace rankscope::detect
