#!/usr/bin/env python3
"""Holds the documents to what they promise.

usage: docs.py SOURCE_DIR CLASSES     (CLASSES: a file with the failure classes, one a line)

- Every relative link of a Markdown file in SOURCE_DIR, bench/ and docs/ leads to a file, and its anchor to a heading.
- docs/failures/ has a page for each class and for nothing else, each with the sections that advice links to, and the
  index names each once.
- Each of those pages explains every subclass that src/diagnose gives its class, and no other.
- The rules that those pages name are in rules/*.yaml.
Exits 1 and names file and line of each breach.
"""
import pathlib
import re
import sys

SECTIONS = ["What it looks like", "Why", "How Rankscope tells", "Whose fault", "What to do", "In Rankscope"]
FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)[^)]*\)")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:")  # a URL of any scheme
RULE = re.compile(r"`([A-Z]\w+)`")
# A class, a subclass, and the role or score that follows them in the tables of signatures and where suspects are made.
SUBCLASS = re.compile(r'"(\w+)",\s*"([^"]+)",\s*(?:Role::)?(?:k[A-Z]|\d)')


def prose(path):
    """Pairs of line number and text of what is not code: fenced and indented blocks and code spans are left out."""
    fenced, after_blank = False, True
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
        elif not fenced and not (line.startswith("    ") and after_blank):
            yield number, line
        after_blank = not line.strip() or (after_blank and line.startswith("    "))


def anchors(path):
    """The anchors of a file's headings, as GitHub makes them: the second of the same text gets "-1"."""
    seen = {}
    for _, line in prose(path):
        match = HEADING.match(line)
        if not match:
            continue
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match[1]).lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        yield f"{slug}-{count}" if count else slug


def broken_links(root):
    for path in sorted([*root.glob("*.md"), *root.glob("bench/*.md"), *root.glob("docs/**/*.md")]):
        for number, line in prose(path):
            for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
                if ELSEWHERE.match(target):
                    continue
                name, _, anchor = target.partition("#")
                file = path.parent / name if name else path
                where = f"{path.relative_to(root)}:{number}"
                if not file.exists():
                    yield f"{where}: {target}: no such file"
                elif anchor and (file.suffix != ".md" or anchor not in anchors(file)):
                    yield f"{where}: {target}: no such heading"


def lacking_pages(root, classes):
    folder = root / "docs/failures"
    index = (folder / "README.md").read_text()
    for name in classes:
        page = folder / f"{name}.md"
        if index.count(f"| [{name}]({name}.md) |") != 1:
            yield f"docs/failures/README.md: has not one row of {name}"
        if not page.exists():
            yield f"docs/failures/{name}.md: missing"
            continue
        if not page.read_text().startswith(f"# {name}: "):
            yield f'docs/failures/{name}.md:1: does not begin with "# {name}: "'
        titles = [match[1] for _, line in prose(page) if (match := HEADING.match(line))]
        if titles[1:] != SECTIONS:
            yield f"docs/failures/{name}.md: its sections are not {', '.join(SECTIONS)}"
    for page in sorted(folder.glob("*.md")):
        if page.stem not in classes and page.name != "README.md":
            yield f"docs/failures/{page.name}: no such class"


def explained_subclasses(page):
    """Those of the table below its heading, each with its line's number."""
    told = False
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if match := HEADING.match(line):
            told = match[1] == "How Rankscope tells"
        elif told and line.startswith("| `"):
            yield from ((name, number) for name in re.findall(r"`([^`]+)`", line.split(" | ")[0]))


def breached_subclasses(root, classes):
    files = [path for path in root.glob("src/diagnose/**/*") if path.suffix in (".cc", ".h")]
    source = "".join(path.read_text() for path in files if not path.stem.endswith("_test"))
    given = {(name, kind) for name, kind in SUBCLASS.findall(source) if kind not in classes}
    for page in filter(pathlib.Path.exists, (root / f"docs/failures/{name}.md" for name in classes)):
        explained = dict(explained_subclasses(page))
        for kind in sorted(kind for name, kind in given if name == page.stem and kind not in explained):
            yield f"docs/failures/{page.name}: does not explain the subclass {kind}"
        for kind, number in explained.items():
            if f'"{kind}"' not in source:
                yield f"docs/failures/{page.name}:{number}: no subclass {kind}"


def unknown_rules(root):
    rules = {name for file in root.glob("rules/*.yaml") for name in re.findall(r"- alert: (\w+)", file.read_text())}
    for page in sorted((root / "docs/failures").glob("*.md")):
        text = page.read_text()
        for start in re.finditer(r"^Rules: ", text, re.MULTILINE):
            number = text.count("\n", 0, start.start()) + 1
            for name in RULE.findall(text[start.start():].split("\n\n")[0]):
                if name not in rules:
                    yield f"docs/failures/{page.name}:{number}: no rule {name}"


def main(root, classes_file):
    classes = pathlib.Path(classes_file).read_text().split()
    breaches = [*broken_links(root), *lacking_pages(root, classes), *breached_subclasses(root, classes),
                *unknown_rules(root)]
    print("\n".join(breaches) if breaches else f"docs: links and {len(classes)} failure pages hold")
    return 1 if breaches else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2]))
