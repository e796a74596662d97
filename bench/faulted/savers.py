"""The ways in which programs write a checkpoint: $SAVER."""
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


_SAVERS = {
    "torch": torch.save,
    "legacy": lambda state, path: torch.save(state, path, _use_new_zipfile_serialization=False),
    "pickle": _save_pickle,
    "numpy": _save_arrays,
    "safetensors": _save_safetensors,
}


def save_state(state, path):
    """`state`: tensors by name."""
    _SAVERS[os.environ.get("SAVER", "torch")](state, path)
