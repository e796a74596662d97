"""What the frameworks know, from every rank, without a change to the script.

install() puts a finder first on sys.meta_path that lets each framework's module load as usual and then runs its hook.
Nothing is imported before the user imports it. A hook that fails takes nothing along: the framework runs unhooked.
"""

import importlib.abc
import importlib.util
import sys

# Module -> the hook that is applied once it has been loaded. One file per framework.
_HOOKS = {
    "torch": "rankscope.hooks.versions",
    "transformers.trainer": "rankscope.hooks.transformers",
    "accelerate.accelerator": "rankscope.hooks.accelerate",
    "lightning.pytorch.trainer.trainer": "rankscope.hooks.lightning",
    "pytorch_lightning.trainer.trainer": "rankscope.hooks.lightning",
    "torch.distributed.distributed_c10d": "rankscope.hooks.process_groups",
    "torch.utils.data.dataloader": "rankscope.hooks.batch_ids",
}


class _Loader(importlib.abc.Loader):
    def __init__(self, loader, hook):
        self._loader, self._hook = loader, hook

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        _apply(self._hook, module)

    def __getattr__(self, name):  # get_source and the like, for inspect and linecache
        return getattr(self._loader, name)


def _apply(hook, module):
    try:
        importlib.import_module(hook).apply(module)
    except Exception:
        pass


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, hooks):
        self._hooks = hooks
        self._finding = set()

    def find_spec(self, name, path=None, target=None):
        if name not in self._hooks or name in self._finding:
            return None
        self._finding.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._finding.discard(name)
        if spec and spec.loader:
            spec.loader = _Loader(spec.loader, self._hooks[name])
        return spec


def install():
    if not any(isinstance(finder, _Finder) and finder._hooks is _HOOKS for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder(_HOOKS))


def when_loaded(module, hook):
    """Applies one hook to one module: at once where it is loaded already, else when it is."""
    if module in sys.modules:
        _apply(hook, sys.modules[module])
    else:
        sys.meta_path.insert(0, _Finder({module: hook}))


def safely(function):
    """A hook's part in the training loop: what goes wrong in it is ours alone."""

    def call(*arguments, **keywords):
        try:
            return function(*arguments, **keywords)
        except Exception:
            return None

    return call
