"""Makes `swift.monitor` importable, with or without ms-swift: `import rankscope.swift_monitor`, or under `rankscope run`
RANKSCOPE_SWIFT_MONITOR=1.

    from swift.monitor import AnomalyDetector, DetectionRule      # those of rankscope.monitor

Nothing is imported until that is. An installed swift stays as it is: it is imported as ever, and if it has a
`swift.monitor` of its own, that one is taken and a line on stderr says so. Where none is installed, `swift` is an empty
package.
"""

import importlib.machinery
import importlib.util
import os
import sys


class _Finder:
    """Asks all other finders first."""

    def __init__(self):
        self._told = False

    def find_spec(self, name, path=None, target=None):
        if name not in ("swift", "swift.monitor"):
            return None
        installed = self._installed(name, path, target)
        if name == "swift":
            return installed or _empty_package(name)
        if installed:
            self._tell(installed)
            return installed
        here = os.path.dirname(os.path.abspath(__file__))
        return importlib.util.spec_from_file_location(name, os.path.join(here, "_swift_module.py"))

    def _installed(self, name, path, target):
        for finder in sys.meta_path:
            if finder is not self and hasattr(finder, "find_spec"):
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        return None

    def _tell(self, installed):
        if not self._told:
            self._told = True
            print(f"rankscope: swift.monitor is the installed one ({installed.origin}); rankscope's is rankscope.monitor",
                  file=sys.stderr)


def _empty_package(name):
    return importlib.machinery.ModuleSpec(name, None, is_package=True)


sys.meta_path.insert(0, _Finder())
