"""One optimizer step of one rank, whatever the framework: times, loss, batch, memory; reported when it ends."""

import time

from rankscope import _batch, _recorder, _tensors
from rankscope.hooks import batch_ids

_GIB = 1 << 30


class Step:
    """Collects between two ends of a step. Not for several threads."""

    def __init__(self):
        self._losses = []
        self._tokens = 0
        self._ids, self._shapes, self._lengths = [], {}, []
        self._ended = None  # when the last step ended; None before the first
        self._data_s = 0.0

    def waited_for_data(self):
        """The batch is there: the time since the last step's end went into waiting for it."""
        _recorder.log_arrived()
        _recorder.end_step()
        if self._ended is not None:
            self._data_s = time.monotonic() - self._ended

    def add_batch(self, inputs, ids=None):
        """inputs: a dict of tensors, as a collator makes it; or a tensor, or a list of them. ids: of its samples."""
        named = inputs if hasattr(inputs, "items") else {str(i): t for i, t in enumerate(_as_list(inputs))}
        for name, tensor in named.items():
            if hasattr(tensor, "shape"):
                self._shapes[str(name)] = list(tensor.shape)
        token_ids = named.get("input_ids") if hasattr(named, "get") else None
        if token_ids is not None and hasattr(token_ids, "numel"):
            self._tokens += token_ids.numel()
            self._lengths += _lengths(named.get("attention_mask"), token_ids)
        self._ids += ids or _ids_in(named)

    def add_loss(self, loss):
        self._losses.append(loss.detach() if hasattr(loss, "detach") else loss)

    def end(self, step, **metrics):
        """Reports the step. `metrics`: what the framework knows besides (None is left out)."""
        now = time.monotonic()
        report = {name: value for name, value in metrics.items() if value is not None}
        if self._losses:
            report["loss"] = sum(self._losses) / len(self._losses)
        if self._ended is not None:
            seconds = now - self._ended
            report.update(step_time_s=seconds, data_time_s=min(self._data_s, seconds))
            if self._tokens and seconds > 0:
                report["throughput_tokens_per_sec"] = self._tokens / seconds
        if self._tokens:
            report["tokens"] = self._tokens
        report.update(_gpu_memory())
        waited = _recorder.waited_s()
        if self._shapes:  # before the metrics, which are judged by how much there was to compute
            _recorder.log_batch(self._ids or None, self._shapes, self._lengths or None, step=step)
        _recorder.log(report, step=step)
        self.__init__()
        self._ended = now + _recorder.waited_s() - waited


def learning_rate(optimizer):
    groups = getattr(optimizer, "param_groups", None)
    return float(groups[0]["lr"]) if groups else None


def _as_list(inputs):
    return inputs if isinstance(inputs, (list, tuple)) else [inputs]


def _lengths(mask, token_ids):
    """Tokens of each sequence. A mask on a GPU is not waited for: the padded length then."""
    if mask is not None and not getattr(mask, "is_cuda", False) and getattr(mask, "dim", lambda: 0)() == 2:
        return mask.sum(dim=1).tolist()
    return [token_ids.shape[-1]] * (token_ids.shape[0] if len(token_ids.shape) > 1 else 1)


def _ids_in(inputs):
    for name in _batch.IDS:
        if name in inputs:
            return _as_list(_tensors.plain(inputs[name]))
    return []


def _gpu_memory():
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    device = torch.cuda.current_device()
    stats = torch.cuda.memory_stats(device)
    reserved = stats.get("reserved_bytes.all.current", 0)
    total = torch.cuda.get_device_properties(device).total_memory
    return {
        "gpu_memory_gib": reserved / _GIB,
        "gpu_memory_usage": 100.0 * reserved / total,
        "gpu_memory_allocated_gib": stats.get("allocated_bytes.all.current", 0) / _GIB,
        "gpu_memory_retries": stats.get("num_alloc_retries", 0),  # so often the cache was freed to go on
    }
