"""How long collectives wait before they fail: ranks are held for less (rankscope._hold)."""

import functools
import inspect

from rankscope import _recorder
from rankscope.hooks import safely


def apply(module):
    for name in ("init_process_group", "new_group"):
        setattr(module, name, _telling(module, getattr(module, name)))


def _telling(module, make):
    signature = inspect.signature(make)

    @functools.wraps(make)
    def call(*arguments, **keywords):
        made = make(*arguments, **keywords)
        _tell(module, signature, arguments, keywords)
        return made

    return call


@safely
def _tell(module, signature, arguments, keywords):
    given = signature.bind(*arguments, **keywords)
    given.apply_defaults()
    timeout = given.arguments.get("timeout") or _default(module)
    if timeout is not None:
        _recorder.set_collective_timeout(int(timeout.total_seconds()))


def _default(module):
    """Newer versions of torch have one for each backend."""
    by_backend = getattr(module, "_get_default_timeout", None)
    if by_backend is not None:
        return by_backend(module.Backend(module.get_backend()))
    return getattr(module, "default_pg_timeout", None)
