"""What a batch is made of: how many samples, how large each is, and the batch without some of them.

A batch is one of: a list of samples (dicts, tuples, tensors of different lengths), before a collate function; a dict of
tensors, arrays or lists along whose first dimension the samples lie; a tuple or list of such, with at least one tensor, as
PyTorch's default_collate makes them; one tensor.
"""

import copy
import math

from rankscope import _tensors

IDS = ("id", "ids", "idx", "index", "sample_id", "uid")  # fields that name samples
FEATURES = ("sequence_length", "image_size", "audio_length", "elements")

_TEXTS = ("input_ids", "tokens")
_IMAGES = ("pixel_values", "image", "images", "pixels")
_SOUNDS = ("input_features", "input_values", "audio", "waveform", "speech")
_MOST_CHANNELS = 4


def count(batch):
    """Of samples; None where that cannot be told."""
    if is_samples(batch):
        return len(batch)
    lengths = [length for length in map(_length, _columns(batch).values()) if length is not None]
    return lengths[0] if lengths else None


def sizes(batch):
    """{feature: size of each sample}. sequence_length: tokens, without padding where there is an attention mask;
    image_size: pixels; audio_length: values or frames; elements: of samples whose parts have no names. None where a
    sample's is not known (a path instead of an image)."""
    if not is_samples(batch):
        return _sizes_of_columns(_columns(batch), count(batch))
    each = [_sizes_of_sample(sample) for sample in batch]
    return {name: [one.get(name) for one in each] for name in FEATURES if any(name in one for one in each)}


def ids(batch):
    """Of its samples, by the field that is called so; else their numbers within the batch."""
    if is_samples(batch):
        return [_first(sample, IDS, number) if hasattr(sample, "items") else number for number, sample in enumerate(batch)]
    found = _first(_columns(batch), IDS, None)
    return list(_tensors.plain(found)) if _length(found) == count(batch) else list(range(count(batch)))


def select(batch, keep):
    """The samples of these numbers, in a batch of the same form; None where there are none."""
    if not keep:
        return None
    if is_samples(batch):
        return type(batch)([batch[number] for number in keep])
    return _select(batch, keep, count(batch))


def is_samples(batch):
    if not isinstance(batch, (list, tuple)):
        return False
    lengths = [_length(item) for item in batch]
    return not any(map(_is_tensor, batch)) or None in lengths or len(set(lengths)) > 1


def _columns(batch):
    if hasattr(batch, "items"):
        return dict(batch.items())
    return {str(number): item for number, item in enumerate(batch if isinstance(batch, (list, tuple)) else [batch])}


def _is_tensor(value):
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _length(value):
    """Along the first dimension; None: it has none."""
    if _is_tensor(value):
        return value.shape[0] if len(value.shape) > 0 else None
    return len(value) if isinstance(value, (list, tuple)) else None


def _first(fields, names, otherwise):
    return next((fields[name] for name in names if name in fields), otherwise)


def _sizes_of_columns(columns, samples):
    found = {}
    texts, images, sounds = (_first(columns, names, None) for names in (_TEXTS, _IMAGES, _SOUNDS))
    if _length(texts) == samples:
        found["sequence_length"] = _text_lengths(texts, columns.get("attention_mask"))
    if _length(images) == samples:
        found["image_size"] = [_pixels(image) for image in _items(images)]
    if _length(sounds) == samples:
        found["audio_length"] = [_sound_length(sound) for sound in _items(sounds)]
    if not found and "0" in columns:
        tensors = [value for value in columns.values() if _is_tensor(value) and _length(value) == samples]
        found["elements"] = [sum(math.prod(value.shape[1:]) for value in tensors)] * samples
    return found


def _items(values):
    """Shapes are enough, and alike, for the samples of one tensor."""
    return [values[0]] * len(values) if _is_tensor(values) else values


def _text_lengths(texts, mask):
    # A mask on a GPU is not waited for.
    if _is_tensor(mask) and len(mask.shape) == 2 and not getattr(mask, "is_cuda", False):
        return [int(length) for length in mask.sum(1).tolist()]
    if isinstance(mask, (list, tuple)):
        return [sum(one) for one in mask]
    return [_last_dimension(text) for text in _items(texts)]


def _sizes_of_sample(sample):
    if not hasattr(sample, "items"):
        parts = sample if isinstance(sample, (list, tuple)) else [sample]
        return {"elements": sum(math.prod(part.shape) for part in parts if _is_tensor(part))}
    found = {}
    texts, images, sounds = (_first(sample, names, None) for names in (_TEXTS, _IMAGES, _SOUNDS))
    if texts is not None:
        found["sequence_length"] = _last_dimension(texts)
    if images is not None:
        found["image_size"] = _pixels(images)
    if sounds is not None:
        found["audio_length"] = _sound_length(sounds)
    return found


def _last_dimension(value):
    if _is_tensor(value):
        return int(value.shape[-1]) if len(value.shape) > 0 else None
    return len(value) if isinstance(value, (list, tuple)) else None


def _pixels(image):
    if isinstance(image, (list, tuple)):
        known = [pixels for pixels in map(_pixels, image) if pixels is not None]
        return sum(known) if known else None
    if _is_tensor(image):
        channels = min(image.shape[-3:]) if len(image.shape) > 2 else 1
        return math.prod(image.shape) // (channels if 0 < channels <= _MOST_CHANNELS else 1)
    size = getattr(image, "size", None)  # PIL's
    return size[0] * size[1] if isinstance(size, tuple) and len(size) == 2 else None


def _sound_length(sound):
    return _last_dimension(sound.get("array") if isinstance(sound, dict) else sound)


def _select(value, keep, samples):
    if hasattr(value, "items"):
        chosen = copy.copy(value)
        for name, item in value.items():
            chosen[name] = _select(item, keep, samples)
        return chosen
    if _is_tensor(value):
        return value[keep] if _length(value) == samples else value
    if not isinstance(value, (list, tuple)):
        return value
    if any(map(_is_tensor, value)) and _length(value[0]) == samples:  # columns
        chosen = [_select(item, keep, samples) for item in value]
    elif len(value) == samples:
        chosen = [value[number] for number in keep]
    else:
        return value
    return type(value)(*chosen) if hasattr(value, "_fields") else type(value)(chosen)
