"""tools/docs.py catches each breach that it is there for."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

DOCS = pathlib.Path(__file__).parent.parent / "tools/docs.py"
PAGE = """# disk_full: no space

[the index](README.md)

## What it looks like

```
# not a heading, and [not a link](nowhere.md)
```

## Why

## How Rankscope tells

| subclass | shown by |
|---|---|
| `quota`, `enospc` | errno |

## Whose fault

## What to do

## In Rankscope

    rankscope query 'job:J [1,2](3)'

Rules: `DiskFull`; none else.
"""
INDEX = "# Failures\n\n| class | |\n|---|---|\n| [disk_full](disk_full.md) | no space |\n"
SOUND = {
    "README.md": "# A title\n\n[pages](docs/failures/README.md), [sections](docs/failures/disk_full.md#what-to-do)\n",
    "docs/failures/README.md": INDEX,
    "docs/failures/disk_full.md": PAGE,
    "src/diagnose/disk.cc": '{"disk_full", "enospc", kCause, 78,\n {"disk_full", "quota", kCause, 80,\n',
    "rules/patterns.yaml": "groups:\n- name: a\n  rules:\n  - alert: DiskFull\n",
}


class DocsTest(unittest.TestCase):
    def check(self, **changed):
        """What docs.py says of SOUND with files replaced, by names with "__" for "/" (None: left out)."""
        files = dict(SOUND)
        files.update({name.replace("__", "/") + ".md": text for name, text in changed.items() if name != "source"})
        files["src/diagnose/disk.cc"] = changed.get("source", files["src/diagnose/disk.cc"])
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                if text is not None:
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).write_text(text)
            (root / "classes.txt").write_text("disk_full\n")
            run = subprocess.run([sys.executable, DOCS, root, root / "classes.txt"], capture_output=True, text=True)
            return run.returncode, run.stdout

    def assert_breach(self, breach, **changed):
        code, out = self.check(**changed)
        self.assertEqual(code, 1, out)
        self.assertEqual(out.strip(), breach)

    def test_sound_documents_pass(self):
        code, out = self.check()
        self.assertEqual(code, 0, out)

    def test_link_to_no_file(self):
        self.assert_breach("README.md:2: docs/gone.md: no such file", README="\n[x](docs/gone.md)\n")
        self.assert_breach("docs/design/a.md:1: ../b.md: no such file", docs__design__a="[x](../b.md)\n")

    def test_link_to_no_heading(self):
        self.assert_breach("README.md:1: docs/failures/disk_full.md#who: no such heading",
                           README="[x](docs/failures/disk_full.md#who)\n")
        self.assert_breach("README.md:3: #b: no such heading", README="# A\n\n[x](#a) [y](#b)\n")

    def test_a_heading_within_code_is_none(self):
        self.assert_breach("README.md:1: docs/failures/disk_full.md#not-a-heading-and-not-a-link: no such heading",
                           README="[x](docs/failures/disk_full.md#not-a-heading-and-not-a-link)\n")

    def test_second_heading_of_the_same_text_has_a_number(self):
        self.assertEqual(self.check(README="# A `b_c` d!\n\n# A b_c d\n\n[x](#a-b_c-d) [y](#a-b_c-d-1)\n")[0], 0)

    def test_links_elsewhere_are_not_looked_at(self):
        self.assertEqual(self.check(README="[x](https://example.org/a#b) `[y](gone.md)`\n")[0], 0)

    def test_class_without_a_page(self):
        code, out = self.check(docs__failures__disk_full=None)
        self.assertEqual(code, 1)
        self.assertIn("docs/failures/disk_full.md: missing", out)

    def test_class_that_the_index_leaves_out(self):
        self.assert_breach("docs/failures/README.md: has not one row of disk_full", docs__failures__README="# Failures\n")

    def test_page_without_a_class(self):
        self.assert_breach("docs/failures/other.md: no such class", docs__failures__other=PAGE)

    def test_page_of_another_title(self):
        self.assert_breach('docs/failures/disk_full.md:1: does not begin with "# disk_full: "',
                           docs__failures__disk_full=PAGE.replace("# disk_full:", "# full:"))

    def test_page_without_a_section(self):
        code, out = self.check(docs__failures__disk_full=PAGE.replace("## Why\n", ""))
        self.assertEqual(code, 1)
        self.assertIn("docs/failures/disk_full.md: its sections are not", out)

    def test_subclass_without_a_word(self):
        self.assert_breach("docs/failures/disk_full.md: does not explain the subclass inodes",
                           source='{"disk_full", "enospc", kCause, 78, {"disk_full", "quota", 66, '
                                  '{"disk_full",\n "inodes", Role::kSymptom, 60')

    def test_subclass_that_is_not_there(self):
        self.assert_breach("docs/failures/disk_full.md:17: no subclass quota",
                           source='{"disk_full", "enospc", kCause, 78, R"(quota)"')

    def test_rule_that_is_not_there(self):
        self.assert_breach("docs/failures/disk_full.md:27: no rule DiskFool",
                           docs__failures__disk_full=PAGE.replace("`DiskFull`", "`DiskFool`"))


if __name__ == "__main__":
    unittest.main()
