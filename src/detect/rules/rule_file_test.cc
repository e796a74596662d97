#include "detect/rules/rule_file.h"

#include <gtest/gtest.h>

#include "detect/rules/foreign_rules.h"
#include "detect/rules/lint.h"
#include "detect/rules/rule_set.h"

namespace rankscope::detect {
namespace {

std::string File(const std::string& rule) {
  return "groups:\n- name: g\n  labels: {team: pretrain}\n  rules:\n  - alert: A\n" + rule;
}

std::string Error(const std::string& yaml) {
  auto rules = ParseRuleFile("r.yaml", yaml);
  return rules.ok() ? "" : rules.status().message();
}

TEST(RuleFile, ReadsARule) {
  auto rules = ParseRuleFile("r.yaml", File("    metric: loss\n    when: value > 1e3\n    for: 5steps\n"
                                            "    ignore: [{warmup: 200steps}, eval]\n"
                                            "    labels: {severity: critical, class: loss_high, role: symptom}\n"));
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  const Rule& rule = rules->front();
  EXPECT_EQ(rule.name, "A");
  EXPECT_EQ(rule.place, "r.yaml:5");
  EXPECT_EQ(rule.severity, Severity::kCritical);
  EXPECT_EQ(rule.finding_class, "loss_high");
  EXPECT_EQ(rule.labels.at("team"), "pretrain");
  EXPECT_EQ(rule.warmup_steps, 200);
  EXPECT_TRUE(rule.ignore_disturbed);
  EXPECT_EQ(std::get<MetricCondition>(rule.condition).lasting.steps, 5);
}

TEST(RuleFile, SaysWhereItIsWrong) {
  EXPECT_EQ(Error("groups: [\n"), "r.yaml:2:1: no YAML: end of sequence flow not found");
  EXPECT_EQ(Error("rules: []\n"), "r.yaml:1:1: expected a key of a rule file (groups), found \"rules\"");
  EXPECT_EQ(Error(File("    macth: x\n")).substr(0, 32), "r.yaml:6:5: expected a key of a ");
  EXPECT_NE(Error(File("    macth: x\n")).find("found \"macth\" (nearest: match)"), std::string::npos);
  EXPECT_EQ(Error(File("    match: 'a(?=b)'\n")), "r.yaml:6:12: regex \"a(?=b)\": invalid perl operator: (?=");
  EXPECT_EQ(Error(File("    metric: loss\n    when: value >\n")),
            "r.yaml:7:11: in \"value >\", column 8: expected a number, a metric, a function or (, found the end");
  EXPECT_EQ(Error(File("    match: x\n    for: soon\n")),
            "r.yaml:7:10: expected a duration as 5steps or 10m, found \"soon\"");
  EXPECT_EQ(Error(File("    match: x\n    expr: loss > 1\n")),
            "r.yaml:5:5: expected exactly one of match, metric, expr, detector, peers, silence, join; found 2");
  EXPECT_EQ(Error(File("    match: x\n    labels: {severity: fatal}\n")),
            "r.yaml:5:5: expected severity info, warning or critical, found \"fatal\"");
  EXPECT_EQ(Error(File("    match: x\n    annotations: {summary: 'rank {{ rnak }}'}\n")).substr(0, 40),
            "r.yaml:7:18: expected {{ one of rule, jo");
  EXPECT_EQ(Error(File("    detector: {kind: spikes, metric: loss}\n")),
            "r.yaml:6:22: expected one of spike, rise, plateau, variance, shift, decay, growth, floor_rise, schedule, "
            "found \"spikes\"");
}

TEST(RuleFile, NamesThePlaceOfWhatIsMissing) {
  EXPECT_EQ(Error("groups:\n- name:\n  rules: []\n"), "r.yaml:2:3: expected a value of the key name, found nothing");
  EXPECT_EQ(Error("groups:\n- name: g\n"), "r.yaml:2:3: expected a key rules, found none");
  EXPECT_EQ(Error(File("    match:\n    for: 5s\n")), "r.yaml:6:5: expected a value of the key match, found nothing");
}

TEST(RuleFile, NoDamagedFileGetsOutOfHand) {
  std::string yaml = File("    join:\n      all_of: [{class: a}, {match: b, count: 2}]\n      within: 10m\n");
  ASSERT_EQ(Error(yaml), "");
  for (size_t at = 0; at < yaml.size(); ++at) {
    for (char c : {'{', ':', '\n', '-', '\0', '*', '&'}) {
      std::string damaged = yaml;
      damaged[at] = c;
      auto rules = ParseRuleFile("r.yaml", damaged);
      if (rules.ok()) continue;
      EXPECT_EQ(rules.status().message().substr(0, 7), "r.yaml:") << damaged;
    }
  }
}

TEST(RuleSet, RefusesTwoRulesWithOneName) {
  auto rules = ParseRuleFile("r.yaml", File("    match: x\n  - {alert: A, match: y}\n"));
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  auto set = RuleSet::Make(*rules);
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.status().message(), "r.yaml:7: expected a name of its own, found A, that of r.yaml:5");
}

TEST(Lint, FindsPatternsThatCannotBeMeant) {
  auto rules = ParseRuleFile("r.yaml", File("    match: ['x*', '\\d+']\n"
                                            "  - {alert: B, match: '.*CUDA out of memory.*'}\n"
                                            "  - {alert: C, match: 'out of memory'}\n"
                                            "  - {alert: D, match: 'loss is nan$ now'}\n"));
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  LintReport report = Lint(*rules);
  ASSERT_EQ(report.errors.size(), 2U);
  EXPECT_EQ(report.errors[1], "r.yaml:9: D: \"loss is nan$ now\" can never match: no text has $ there");
  EXPECT_EQ(report.errors[0], "r.yaml:5: A: \"x*\" matches the empty line, and so every line");
  std::string warnings;
  for (const std::string& warning : report.warnings) warnings += warning + "\n";
  EXPECT_NE(warnings.find("A: \"\\d+\" has no word of 3 letters"), std::string::npos) << warnings;
  EXPECT_NE(warnings.find("B: \".*CUDA out of memory.*\" overlaps: its lines also match \"out of memory\" of C"),
            std::string::npos)
      << warnings;
}

TEST(Lint, NotesWhatAShippedRuleFindsAsWell) {
  auto own = ParseRuleFile("own.yaml", File("    match: '.*CUDA out of memory.*'\n"));
  auto shipped = ParseRuleFile("s.yaml", File("    match: 'x*'\n  - {alert: Oom, match: 'CUDA out of memory'}\n"));
  ASSERT_TRUE(own.ok() && shipped.ok());
  LintReport report = Lint(*own, *shipped);
  EXPECT_TRUE(report.errors.empty()) << "what is wrong with others is not one's own";
  ASSERT_EQ(report.warnings.size(), 4U);
  EXPECT_EQ(report.warnings[0],
            "own.yaml:5: A: \".*CUDA out of memory.*\" overlaps: its lines also match \"x*\" of A, s.yaml:5");
  EXPECT_EQ(report.warnings[1].substr(report.warnings[1].size() - 16), "of Oom, s.yaml:7");
  EXPECT_EQ(report.warnings[2].find("own.yaml:5: A: has the name of s.yaml:5"), 0U);
}

TEST(ForeignRules, AreTranslatedOrNamed) {
  auto rules = TranslateRules("p.yml", R"(groups:
- name: gpu
  interval: 30s
  rules:
  - alert: Hot
    expr: DCGM_FI_DEV_GPU_TEMP{gpu="0"} > 85
    for: 5m
    labels: {severity: warning}
    annotations: {summary: 'GPU {{ $labels.gpu }} is hot', description: a GPU is hot}
  - alert: Oom
    expr: sum(count_over_time({app="train"} |= "out of memory" [5m])) > 0
  - alert: Slow
    expr: max_over_time(step_time_s[10m]) >= 2.5
    annotations: {summary: 'a step of job {{ $labels.job }} took {{ $value | humanize }} s'}
  - alert: Rate
    expr: rate(errors_total[5m]) / rate(requests_total[5m]) > 0.1
  - record: job:errors:rate
    expr: rate(errors_total[5m])
)");
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  auto ours = ParseRuleFile("ours.yaml", rules->yaml);
  ASSERT_TRUE(ours.ok()) << ours.status().message() << "\n" << rules->yaml;
  ASSERT_EQ(ours->size(), 3U);
  const auto& hot = std::get<MetricCondition>((*ours)[0].condition);
  EXPECT_EQ(hot.metric, "DCGM_FI_DEV_GPU_TEMP");
  EXPECT_EQ(hot.when.text(), "value > 85");
  EXPECT_EQ(hot.lasting.ns, 300 * base::kNsPerSecond);
  EXPECT_EQ((*ours)[0].summary, "a GPU is hot");
  EXPECT_EQ(std::get<LineCondition>((*ours)[1].condition).patterns[0], "out\\ of\\ memory");
  EXPECT_EQ(std::get<MetricCondition>((*ours)[2].condition).when.text(), "max(step_time_s, 10m) >= 2.5");
  EXPECT_EQ((*ours)[2].summary, "a step of job {{ job }} took {{ value }} s");
  ASSERT_EQ(rules->left_out.size(), 5U);
  EXPECT_EQ(rules->left_out[0], "p.yml:5: Hot: it is now of every job and rank, without {gpu=\"0\"}");
  EXPECT_EQ(rules->left_out[2], "p.yml:10: Oom: it is now of every job and rank, without {app=\"train\"}");
  EXPECT_EQ(rules->left_out[3].substr(0, 15), "p.yml:15: Rate:");
  EXPECT_EQ(rules->left_out[4], "p.yml:17: job:errors:rate: it records and does not alert");
}

TEST(ForeignRules, WithoutAnExpressionAreRefusedWithTheirPlace) {
  auto rules = TranslateRules("p.yml", "groups:\n- name: gpu\n  rules:\n  - alert: Hot\n    for: 5m\n");
  ASSERT_FALSE(rules.ok());
  EXPECT_NE(rules.status().message().find("p.yml:4:5: expected a rule with an expr"), std::string::npos)
      << rules.status().message();
}

TEST(ForeignRules, OfASeverityThatIsNotOursAreWarnings) {
  auto rules = TranslateRules("p.yml", R"(groups:
- name: gpu
  rules:
  - {alert: Hot, expr: temperature > 85, labels: {severity: page, team: infra}}
  - {alert: Cold, expr: temperature < 5, labels: {severity: page}}
)");
  ASSERT_TRUE(rules.ok()) << rules.status().message();
  auto ours = ParseRuleFile("ours.yaml", rules->yaml);
  ASSERT_TRUE(ours.ok()) << ours.status().message() << "\n" << rules->yaml;
  ASSERT_EQ(ours->size(), 2U);
  EXPECT_EQ((*ours)[0].severity, Severity::kWarning);
  EXPECT_EQ((*ours)[0].labels.at("team"), "infra");
  ASSERT_EQ(rules->left_out.size(), 2U);
  EXPECT_EQ(rules->left_out[0], "p.yml:4: Hot: its severity is none of info, warning and critical, and left out: page");
}

}  // namespace
}  // namespace rankscope::detect
