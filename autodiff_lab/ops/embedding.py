"""Embedding: rows of a table picked by number, alone or in bags."""

from __future__ import annotations

import numpy as np

from ..backend import namespace
from ..backend.cells import add_rows
from ..core.errors import TooFewDimensions, caution
from ..core.modes import no_grad
from ..core.op import op, ops, public
from ..core.samples import calls
from ..core.tape import Version
from ..core.tensor import Tensor

__all__: list[str] = []


@op(category="index", latex=r"W_{i}", function=False, method=False, out=False, node_name="Embedding", samples=calls(
    lambda r: ((r.normal(size=(5, 3)), r.integers(0, 5, (2, 4))), {}), lambda r: ((r.normal(size=(5, 3)), np.array([1, 1, 2])), {})))
def embedding_rows(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False) -> Tensor:
    """The rows of `weight` at `indices`. The row `padding_idx` gets no gradient.

    Raises:
        IndexError: for a number that is no row.
    """
    if indices.dtype.kind not in "iu" or indices.dtype.itemsize < 4:
        from ..core.dtypes import dtype_of
        raise RuntimeError("Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
                           f"but got torch.{dtype_of(indices).title}Tensor instead (while checking arguments for embedding). Convert them with .long().")
    if weight.ndim != 2:
        raise TooFewDimensions(f"'weight' must be 2-D, a row for each number; got shape {list(weight.shape)}")
    if indices.size and not weight.shape[0]:
        raise RuntimeError("index_select(): self indexing axis dim should be positive: the table has no rows")
    if indices.size and (int(indices.min()) < 0 or int(indices.max()) >= weight.shape[0]):
        bad = int(indices.min()) if int(indices.min()) < 0 else int(indices.max())
        raise IndexError(f"index out of range in self. The table has {weight.shape[0]} rows, numbered from 0, and row {bad} was asked for.")
    return namespace(weight).take(weight, indices, axis=0)


@embedding_rows.vjp("weight", latex=r"[i = j]")
def _(grad, indices, weight_shape, padding_idx, scale_grad_by_freq):
    return ops.embedding_gradient(grad, indices, weight_shape[0], padding_idx, scale_grad_by_freq)


@op(category="index", function=False, method=False, out=False)
def embedding_gradient(input: Tensor, indices: Tensor, rows: int, padding_idx: int, scale_grad_by_freq: bool) -> Tensor:
    """Zeros of `rows` rows with each row of `input` added at its number: a product with a sparse matrix of ones."""
    xp = namespace(input)
    flat = indices.reshape(-1)
    values = input.reshape(len(flat), -1) if len(flat) else input.reshape(0, input.shape[-1])
    if scale_grad_by_freq:
        values = values / xp.bincount(flat, minlength=rows)[flat].astype(input.dtype)[:, None]
    if padding_idx >= 0 and (flat == padding_idx).any():
        values = values * (flat != padding_idx)[:, None]
    return rows_of_sums(values, flat, rows)


def rows_of_sums(values, index, rows: int):
    """Zeros of `rows` rows with each row of `values` added at `index`."""
    whole = namespace(values).zeros((rows, values.shape[1]), values.dtype)
    add_rows(whole, index, values)
    return whole


@embedding_gradient.vjp("input")
def _(grad, indices, rows, padding_idx, scale_grad_by_freq):
    picked = ops.embedding_rows(grad, indices, padding_idx)
    keep = ops.unsqueeze(indices != padding_idx, -1)
    if scale_grad_by_freq:
        picked = picked / ops.unsqueeze(ops.embedding_rows(ops.unsqueeze(ops.bincount(indices.reshape(-1), None, rows), 1), indices)[..., 0], -1)
    return picked * keep


def checked_padding(padding_idx, rows: int) -> int:
    if padding_idx is None:
        return -1
    if not -rows <= padding_idx < rows:
        raise AssertionError("Padding_idx must be within num_embeddings")
    return padding_idx % rows


def shorten(weight, indices, max_norm: float, norm_type: float) -> None:
    """Scale down, in place, the rows in use whose norm is above `max_norm`."""
    with no_grad():
        array = weight._array()
        used = np.unique(indices._a)
        norms = (np.abs(array[used]) ** norm_type).sum(1) ** (1 / norm_type)
        long = norms > max_norm
        array[used[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(array.dtype)
        weight._ver = weight._ver or Version()
        weight._ver.bump()


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False):
    """The rows of `weight` numbered by `input`.

    Args:
        padding_idx: a row that gets no gradient.
        max_norm: rows in use that are longer are first scaled down, in place.
        scale_grad_by_freq: divide each row's gradient by how often it was used.
        sparse: accepted; the gradient is dense.

    Shape: input (*) of whole numbers, weight (V, D); result (*, D).

    Raises:
        IndexError: for a number that is no row.
        RuntimeError: for an input that is not of whole numbers.

    >>> import autodiff_lab as lab
    >>> lab.nn.functional.embedding(lab.tensor([2, 0]), lab.eye(3))
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if weight.ndim != 2:
        raise TooFewDimensions(f"'weight' must be 2-D, a row for each number; got shape {list(weight.shape)}")
    padding_idx = checked_padding(padding_idx, weight.shape[0])
    if max_norm is not None and input.dtype.name in ("int64", "int32"):
        shorten(weight, input, max_norm, norm_type)
    return embedding_rows(weight, input, padding_idx, scale_grad_by_freq)


def embedding_bag(input, weight, offsets=None, max_norm: float | None = None, norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean",
                  sparse: bool = False, per_sample_weights=None, include_last_offset: bool = False, padding_idx: int | None = None):
    """The sum, mean or maximum of the rows in each bag.

    Args:
        input: (B, n), one bag a row; or (total,) with `offsets`, where each bag begins.
        per_sample_weights: weights of the rows, with mode "sum".
        padding_idx: a row that does not count.

    >>> import autodiff_lab as lab
    >>> rows = lab.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> lab.nn.functional.embedding_bag(lab.tensor([[0, 1]]), rows, mode="sum")
    tensor([[4., 6.]])
    """
    lab = public[""]
    if weight.dtype.name == "int64" and input.is_floating_point():
        caution("Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is deprecated, and should now be `embedding_bag(input, weight, ...)`.")
        input, weight = weight, input
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None:
        if mode != "sum":
            raise NotImplementedError("embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
                                      f"(got mode='{mode}'). Please open a feature request on GitHub.")
        if per_sample_weights.shape != input.shape:
            raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) is not None, it must have the same shape as the input ({list(input.shape)})")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
                             f"However, found offsets of type {type(offsets)}")
        bags, n = input.shape
        starts = np.arange(bags) * n
        input = input.reshape(-1)
        per_sample_weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    elif input.ndim == 1:
        if offsets is None or offsets.ndim != 1:
            raise ValueError(f"offsets has to be a 1D Tensor but got {None if offsets is None else f'{offsets.ndim}D Tensor'}")
        starts = np.asarray(offsets.detach().numpy())
        if len(starts) and starts[0]:
            raise RuntimeError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {starts[0]}")
        if include_last_offset:
            starts = starts[:-1]
        bags = len(starts)
        if bags and starts[-1] > input.numel():
            raise RuntimeError(f"offsets[-1] can not be greater than input's length({input.numel()}) but got offsets[-1] of {starts[-1]}")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}")
    padding_idx = checked_padding(padding_idx, weight.shape[0])
    rows = embedding(input, weight, None if padding_idx < 0 else padding_idx, max_norm, norm_type, scale_grad_by_freq)
    counts_of_each = np.diff(np.append(starts, input.numel()))
    bag_of = np.repeat(np.arange(bags), counts_of_each)
    real = input.detach().numpy() != padding_idx
    if mode == "max":
        pieces = [np.nonzero(real & (bag_of == b))[0] for b in range(bags)]
        zero = lab["zeros"](weight.shape[1], dtype=weight.dtype)
        return lab["stack"]([rows[lab["tensor"](p)].max(0)[0] if len(p) else zero for p in pieces]) if bags else lab["zeros"](0, weight.shape[1], dtype=weight.dtype)
    if weight.dtype.itemsize == 2:  # rounded once, at the end
        rows, per_sample_weights = rows.float(), None if per_sample_weights is None else per_sample_weights.float()
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(1)
    if padding_idx >= 0:
        rows = rows * lab["tensor"](real).unsqueeze(1)
    total = rows_added(rows, lab["tensor"](bag_of), bags)
    if mode == "mean":
        total = total / lab["tensor"](np.maximum(np.bincount(bag_of[real], minlength=bags), 1)).to(total.dtype).unsqueeze(1)
    return total if total.dtype is weight.dtype else total.to(weight.dtype)


@op(category="index", function=False, method=False, out=False, node_name="EmbeddingBag", samples=calls(
    lambda r: ((r.normal(size=(5, 3)), np.array([0, 0, 1, 3, 3]), 4), {})))
def rows_added(input: Tensor, index: Tensor, rows: int) -> Tensor:
    """Zeros of `rows` rows with each row of `input` added at `index`."""
    return rows_of_sums(input, index, rows)


@rows_added.vjp("input")
def _(grad, index):
    return ops.embedding_rows(grad, index)


def embedding_bag_places(weight, indices, offsets, scale_grad_by_freq: bool = False, mode: int = 0, sparse: bool = False, per_sample_weights=None,
                         include_last_offset: bool = False, padding_idx: int | None = None):
    """`nn.functional.embedding_bag` under the name that torch has for it, where the mode is a number: 0 sum, 1 mean, 2 max.

    Returns:
        The bags; the bag of each index (left empty for a plain sum of 32-bit numbers, as PyTorch leaves it); how many rows
        each bag counts (0 for sums); where each maximum was found (for mean and sum the same as the third).
    """
    bags = embedding_bag(indices, weight, offsets, None, 2, scale_grad_by_freq, ("sum", "mean", "max")[mode], sparse, per_sample_weights, include_last_offset, padding_idx)
    starts, numbers = np.asarray(offsets.detach().numpy()), indices.detach().numpy()
    starts = starts[:-1] if include_last_offset else starts
    bag_of = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(numbers))))
    counts = numbers != checked_padding(padding_idx, weight.shape[0])
    quick = mode == 0 and weight.dtype.itemsize < 8
    sizes = np.bincount(bag_of[counts], minlength=len(starts)) if mode else np.zeros(len(starts), np.int64)
    found = sizes
    if mode == 2:
        found = np.zeros(tuple(bags.shape), np.int64)
        for b in range(len(starts)):
            mine = numbers[counts & (bag_of == b)]
            if len(mine):
                found[b] = mine[weight.detach().numpy()[mine].argmax(0)]
    wrapped = public[""]["tensor"]
    return bags, wrapped(np.zeros(0, np.int64) if quick and padding_idx is None else bag_of), wrapped(sizes), wrapped(found)


def embedding_renorm_(input: Tensor, indices, max_norm: float, norm_type: float):
    """Scale down, in place, the rows of `input` at `indices` whose norm is above `max_norm`."""
    shorten(input, indices, max_norm, norm_type)
    return input


public["nn.functional"].update(embedding=embedding, embedding_bag=embedding_bag)
public[""].update(embedding_bag=embedding_bag_places, embedding_renorm_=embedding_renorm_)
public[""]["embedding"] = lambda weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False: embedding_rows(weight, indices, padding_idx, scale_grad_by_freq)
