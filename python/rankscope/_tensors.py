"""Numbers out of tensors without waiting for the GPU: `.item()` would stall the training loop."""

import collections

_MOST_PENDING = 1024  # steps; the GPU is never that far behind
_pending = collections.deque()  # (step, numbers, copies: [(name, host tensor)], CUDA event or None)


def pending():
    return bool(_pending)


def hold(metrics, step, refuse):
    """Queues the step's values; those on a GPU begin to come over. Returns what is text. `refuse` is told of what is
    neither."""
    numbers, copies, texts = {}, [], {}
    for name, value in metrics.items():
        if getattr(value, "is_cuda", False) and value.numel() == 1:
            copies.append((name, _copy(value)))
            continue
        try:
            numbers[name] = float(value)
        except OverflowError:
            refuse(f"{name} is beyond what a float holds")
        except (TypeError, ValueError, RuntimeError):
            if value is None:
                refuse(f"{name} is None")
            else:
                texts[name] = value
    if len(_pending) >= _MOST_PENDING:
        _pending.popleft()
    _pending.append((step, numbers, copies, _mark() if copies else None))
    return texts


def _copy(value):
    import torch

    host = torch.empty((), dtype=torch.float64, pin_memory=True)
    host.copy_(value.detach().double().reshape(()), non_blocking=True)
    return host


def _mark():
    import torch

    event = torch.cuda.Event()
    event.record()
    return event


def harvest(wait=False):
    """(step, metrics) of the steps whose values have all arrived, in order; with `wait`, of all."""
    while _pending:
        step, numbers, copies, arrived = _pending[0]
        if arrived is not None and wait:
            arrived.synchronize()
        elif arrived is not None and not arrived.query():
            return
        _pending.popleft()
        yield step, {**numbers, **{name: float(host) for name, host in copies}}


def plain(value):
    """Lists and numbers instead of tensors and arrays; tensors on a GPU are named, not copied."""
    if getattr(value, "is_cuda", False):
        return f"tensor of shape {tuple(value.shape)} on {value.device}"
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
