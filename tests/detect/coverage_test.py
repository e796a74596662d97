"""Each shipped rule has scenarios in which it must fire and others in which it must not, and there are 120 or more."""
import glob
import os
import re
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = os.path.join(os.path.dirname(os.path.dirname(HERE)), "rules")
NAME = r"'?([\w.*]+)'?"


def parts(text, begin):
    """The pieces of the text that begin with the pattern, without what comes before the first."""
    return re.split(begin, text, flags=re.M)[1:]


def rules():
    """Rules by name, each as its YAML text."""
    texts = [part for path in glob.glob(f"{RULES}/*.yaml") for part in parts(open(path).read(), r"^  - (?=alert:)")]
    return {re.match(rf"alert: {NAME}", text)[1]: text for text in texts}


def scenarios():
    return [part for path in glob.glob(f"{HERE}/*.scenario") for part in parts(open(path).read(), r"^- (?=\{?name:)")]


def metrics(text):
    return set(re.findall(r"metric: (\w+)", text)) | set(re.findall(r"series: '?(\w+)", text))


class CoverageTest(unittest.TestCase):
    def expectations(self, scenario, of_fire):
        """(rule, ...) that the scenario expects to fire, or never to."""
        found = re.findall(rf"alert: {NAME}, state: (\w+)", scenario)
        return {name for name, state in found if (state != "never") == of_fire}

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(scenarios()), 120)

    def test_each_rule_fires_in_two(self):
        for rule in rules():
            firing = [scenario for scenario in scenarios() if rule in self.expectations(scenario, True)]
            self.assertGreaterEqual(len(firing), 2, f"{rule} has too few scenarios in which it fires")

    def test_each_rule_stays_quiet_in_two(self):
        """By its name; or, of an alarm, where none may be raised although what it looks at is there."""
        for rule, text in rules().items():
            alarm = "severity: info" not in text
            quiet = [scenario for scenario in scenarios()
                     if rule in (never := self.expectations(scenario, False))
                     or (alarm and "*" in never and metrics(scenario) & metrics(text))]
            self.assertGreaterEqual(len(quiet), 2, f"{rule} has too few scenarios in which it stays quiet")


if __name__ == "__main__":
    unittest.main()
