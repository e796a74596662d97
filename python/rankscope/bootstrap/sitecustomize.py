"""Loaded by every Python process under `rankscope run`, before the user's code (its folder is first on PYTHONPATH).

Standard library only, no threads, nothing left open. Whatever goes wrong here, the user's program runs as if it had
not been there.
"""

import os
import sys


def _chain():
    """Runs the sitecustomize that ours hides, if there is one."""
    import importlib.machinery
    import importlib.util

    here = os.path.dirname(os.path.abspath(__file__))
    path = [folder for folder in sys.path if os.path.abspath(folder or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec and spec.loader:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _start():
    if "RANKSCOPE_RUN" not in os.environ:
        return
    try:
        from rankscope import _rank

        _rank.start()
    except Exception:  # never the user's problem; `rankscope jobs show` says which ranks have no hook
        pass


_start()
_chain()
