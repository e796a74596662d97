"""The ways in which programs write a checkpoint: $SAVER."""
import errno
import os
import pickle

import torch


def _save_arrays(state, path):
    import numpy
    numpy.savez(path, **{name: tensor.numpy() for name, tensor in state.items()})


def _save_safetensors(state, path):
    from safetensors.torch import save_file
    save_file(state, path)


def _save_pickle(state, path):
    with open(path, "wb") as file:
        pickle.dump(state, file)


def _save_to_full_device(state, path):
    with open("/dev/full", "wb") as file:
        torch.save(state, file)


def _find_no_space(state, path):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


_SAVERS = {
    "torch": torch.save,
    "legacy": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "pickle": _save_pickle,
    "numpy": _save_arrays,
    "safetensors": _save_safetensors,
    "full_device": _save_to_full_device,
    "no_space": _find_no_space,
}


def save_state(state, path):
    """`state`: tensors by name."""
    _SAVERS[os.environ.get("SAVER", "torch")](state, path)
