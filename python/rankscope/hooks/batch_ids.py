"""Which samples a batch is made of: the indices that the data loader's sampler drew for it.

A loader fetches ahead, but hands batches out in the order in which it drew their indices, so that a queue per epoch
pairs them again. Only loaders that shuffle or shard a map-style dataset draw indices.
"""

import collections

from rankscope.hooks import safely

_MOST = 1024  # batches drawn and not yet taken: the oldest are of loaders that nobody asks about

_drawn = collections.OrderedDict()  # dataset id -> queue of index lists of its newest epoch
_training = None  # the dataset that is trained on; None: the one that was iterated over last


def apply(module):
    base = module._BaseDataLoaderIter
    begin, draw = base.__init__, base._next_index

    def __init__(self, loader, *arguments, **keywords):
        begin(self, loader, *arguments, **keywords)
        _begin(self, loader)

    def _next_index(self):
        index = draw(self)
        _draw(self, index)
        return index

    base.__init__, base._next_index = __init__, _next_index


@safely
def _begin(iterator, loader):
    queue = collections.deque(maxlen=_MOST)
    # A loader with workers has drawn the first batches inside its own __init__.
    for index in getattr(iterator, "_rankscope_early", []):
        queue.append(index)
    iterator._rankscope_drawn = queue
    _drawn[id(loader.dataset)] = queue
    _drawn.move_to_end(id(loader.dataset))
    while len(_drawn) > 16:
        _drawn.popitem(last=False)


@safely
def _draw(iterator, index):
    queue = getattr(iterator, "_rankscope_drawn", None)
    if queue is None:
        iterator.__dict__.setdefault("_rankscope_early", []).append(index)
    else:
        queue.append(index)


def train_on(dataset):
    """take() is asked about batches of this dataset."""
    global _training
    _training = id(dataset)


def take():
    """The indices of the next batch, as a list; empty where they are not known."""
    queue = _drawn.get(_training) if _training is not None else next(reversed(_drawn.values()), None)
    if not queue:
        return []
    index = queue.popleft()
    return list(index) if isinstance(index, (list, tuple)) else [index]
