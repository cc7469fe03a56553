"""From a list of samples to a batch: tensors are stacked, containers are gone through."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence

import numpy as np

from ...core import dtypes
from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]


def default_convert(data):
    """Arrays in a sample as tensors; everything else as it is. What a DataLoader does that makes no batches.

    >>> import autodiff_lab as lab
    >>> import numpy as np
    >>> lab.utils.data.default_convert({"x": np.array([1.0, 2.0]), "name": "a"})
    {'x': tensor([1., 2.], dtype=torch.float64), 'name': 'a'}
    """
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.bool_, np.number)):
        return public[""]["as_tensor"](data)
    if isinstance(data, Mapping):
        return _rebuilt_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        made = [default_convert(d) for d in data]
        return type(data)(*made) if hasattr(data, "_fields") else made
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt_sequence(data, [default_convert(d) for d in data])
    return data


def collate(batch, *, collate_fn_map: dict | None = None):
    """A batch from samples, by a table from types to functions `(samples, *, collate_fn_map)`; containers are gone through.

    Raises:
        TypeError: for a type that is in no entry of the table and is no container.
        RuntimeError: for sequences of unequal length.
    """
    first = batch[0]
    if collate_fn_map is not None:
        if type(first) in collate_fn_map:
            return collate_fn_map[type(first)](batch, collate_fn_map=collate_fn_map)
        for kind, function in collate_fn_map.items():
            if isinstance(first, kind):
                return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _rebuilt_mapping(first, {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=False)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size. "
                               f"Here the lengths are {sorted({len(sample) for sample in batch})}: pad them, or pass collate_fn=.")
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _rebuilt_sequence(first, columns)
    raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}")


def _rebuilt_mapping(like, content: dict):
    try:
        if isinstance(like, MutableMapping):
            made = copy.copy(like)
            made.update(content)
            return made
        return type(like)(content)
    except TypeError:  # a mapping that cannot be made anew
        return content


def _rebuilt_sequence(like, content: list):
    try:
        if isinstance(like, MutableSequence):
            made = copy.copy(like)
            for i, value in enumerate(content):
                made[i] = value
            return made
        return type(like)(content)
    except TypeError:  # such as range
        return content


def _collate_tensors(batch, *, collate_fn_map=None):
    return public[""]["stack"](list(batch), 0)


def _collate_arrays(batch, *, collate_fn_map=None):
    if batch[0].dtype.kind in "SaUO":
        raise TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {batch[0].dtype}")
    return collate([public[""]["as_tensor"](array) for array in batch], collate_fn_map=collate_fn_map)


def _collate_numpy_numbers(batch, *, collate_fn_map=None):
    return public[""]["from_numpy"](np.array(batch))


def _collate_floats(batch, *, collate_fn_map=None):
    return public[""]["tensor"](batch, dtype=dtypes.float64)


def _collate_ints(batch, *, collate_fn_map=None):
    return public[""]["tensor"](batch)


def _as_it_is(batch, *, collate_fn_map=None):
    return batch


default_collate_fn_map: dict = {
    Tensor: _collate_tensors,
    np.ndarray: _collate_arrays,
    (np.bool_, np.number, np.object_): _collate_numpy_numbers,
    float: _collate_floats,
    int: _collate_ints,
    str: _as_it_is,
    bytes: _as_it_is,
}


def default_collate(batch):
    """A batch from samples: tensors and arrays are stacked, floats become float64, ints int64, text stays a list.

    >>> from autodiff_lab.utils.data import default_collate
    >>> default_collate([(1, "a"), (2, "b")])
    [tensor([1, 2]), ('a', 'b')]
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
