#!/usr/bin/env python3
"""Prints src/model/unicode_tables.h: which code points are of words, and how case folds, from Python's Unicode data.

usage: unicode_tables.py > src/model/unicode_tables.h && clang-format -i src/model/unicode_tables.h
"""
import sys
import unicodedata

LAST = 0x10FFFF


def ranges(holds):
    begin = None
    for point in range(0x80, LAST + 2):
        inside = point <= LAST and holds(chr(point))
        if inside and begin is None:
            begin = point
        if not inside and begin is not None:
            yield begin, point - 1
            begin = None


def of_word(char):
    # Variation selectors follow symbols ("⚠️") as well as letters.
    selector = "\uFE00" <= char <= "\uFE0F" or char >= "\U000E0100"
    return unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd", "Nl", "No") and not selector


def fold(point):
    for folded in (chr(point).casefold(), chr(point).lower()):
        if len(folded) == 1:
            return ord(folded)
    return point


def fold_ranges():
    """(first, last, stride, delta): every stride-th point from first to last folds to itself plus delta."""
    found = []
    for point in range(0x80, LAST + 1):
        delta = fold(point) - point
        if delta == 0:
            continue
        if found:
            first, last, stride, last_delta = found[-1]
            step = point - last
            if delta == last_delta and step in (1, 2) and (first == last or step == stride):
                found[-1] = (first, point, step, delta)
                continue
        found.append((point, point, 1, delta))
    return found


def main():
    print("#pragma once\n\n#include <cstdint>\n")
    print(f"// Made by tools/unicode_tables.py from Unicode {unicodedata.unidata_version}; from U+0080 on.")
    print("namespace rankscope::model {\n\nstruct CodeRange {\n  char32_t first, last;\n};\n")
    print("// Letters, marks that combine with them, numbers.\ninline constexpr CodeRange kWordRanges[] = {")
    print(",".join(f"{{0x{a:x}, 0x{b:x}}}" for a, b in ranges(of_word)))
    print("};\n\n// Every stride-th point of the range folds to itself plus delta.\nstruct FoldRange {")
    print("  char32_t first, last;\n  uint32_t stride;\n  int32_t delta;\n};\n\ninline constexpr FoldRange kFoldRanges[] = {")
    print(",".join(f"{{0x{a:x}, 0x{b:x}, {s}, {d}}}" for a, b, s, d in fold_ranges()))
    print("};\n\n}  // namespace rankscope::model")
    return 0


if __name__ == "__main__":
    sys.exit(main())
