"""The versions of what a run is made of, told by the launcher and once a node when torch has been imported: the start of
the run cannot know them."""

import os
import sys

from rankscope import _rank, _recorder

# Distributions whose version decides how a run behaves; those that are installed are told.
_PACKAGES = (
    "torch", "transformers", "accelerate", "lightning", "pytorch-lightning", "deepspeed", "megatron-core", "ms-swift",
    "peft", "trl", "datasets", "tokenizers", "flash-attn", "transformer-engine", "apex", "xformers", "bitsandbytes",
    "liger-kernel", "vllm", "triton", "numpy", "nvidia-nccl-cu12", "nvidia-nccl-cu13",
)


def apply(torch):
    if _recorder.is_started_by_multiprocessing():
        return  # whoever has started this process has told them; a data loader's worker is to open no ring
    who = _rank.identity()
    if os.environ.get("RANKSCOPE_RANK_PID", str(os.getpid())) != str(os.getpid()) or (who and who["local_rank"] != 0):
        return
    import json

    versions = {"python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda,
                "nccl": _nccl(torch), "packages": json.dumps(_packages())}
    if _recorder.is_started_by_multiprocessing():
        return  # whoever has started this one has told them, and a data loader's worker is to open no ring
    _recorder.event("versions", "torch " + torch.__version__, **{k: v for k, v in versions.items() if v})


def _nccl(torch):
    try:
        return ".".join(map(str, torch.cuda.nccl.version()))
    except Exception:  # built without it
        return None


def _packages():
    from importlib import metadata

    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
