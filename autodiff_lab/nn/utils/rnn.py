"""Sequences of different lengths: padded to one tensor, or packed so that no step computes padding."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence"]


class PackedSequence(namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])):
    """Sequences sorted by length, stored step by step: `data` (rows, …), and how many samples each step has.

    >>> import autodiff_lab as lab
    >>> packed = lab.nn.utils.rnn.pack_sequence([lab.tensor([1, 2, 3]), lab.tensor([4, 5])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 4, 2, 5, 3]), tensor([2, 2, 1]))
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is not None and batch_sizes.device.type != "cpu":
            raise ValueError("batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. They should be instantiated by functions "
                             "like pack_sequence and pack_padded_sequences in nn.utils.rnn.")
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args, **kwargs) -> PackedSequence:
        """The same on another device or with another dtype."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        move = [None if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, *move)

    def cpu(self) -> PackedSequence:
        return self.to("cpu")

    def cuda(self, *args, **kwargs) -> PackedSequence:
        return self.to("cuda")

    def double(self) -> PackedSequence:
        return type(self)(self.data.double(), *self[1:])

    def float(self) -> PackedSequence:
        return type(self)(self.data.float(), *self[1:])

    def half(self) -> PackedSequence:
        return type(self)(self.data.half(), *self[1:])

    def long(self) -> PackedSequence:
        return type(self)(self.data.long(), *self[1:])

    def int(self) -> PackedSequence:
        return type(self)(self.data.int(), *self[1:])

    def short(self) -> PackedSequence:
        return type(self)(self.data.short(), *self[1:])

    def char(self) -> PackedSequence:
        return type(self)(self.data.char(), *self[1:])

    def byte(self) -> PackedSequence:
        return type(self)(self.data.byte(), *self[1:])

    def pin_memory(self) -> PackedSequence:
        return type(self)(self.data.pin_memory(), *self[1:])

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        return False


def invert_permutation(permutation):
    """The permutation that undoes another."""
    return None if permutation is None else permutation.argsort()


def pack_padded_sequence(input, lengths, batch_first: bool = False, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a padded batch (L, N, …), or (N, L, …) with `batch_first`.

    Args:
        lengths: of each sequence.
        enforce_sorted: they are sorted already, longest first; False sorts them.

    Raises:
        RuntimeError: for lengths that are not sorted, not positive, or too long.

    >>> import autodiff_lab as lab
    >>> padded = lab.tensor([[1, 2, 3], [4, 5, 0]])
    >>> lab.nn.utils.rnn.pack_padded_sequence(padded, [3, 2], batch_first=True)
    PackedSequence(data=tensor([1, 4, 2, 5, 3]), batch_sizes=tensor([2, 2, 1]), sorted_indices=None, unsorted_indices=None)
    """
    lab = public[""]
    if isinstance(lengths, Tensor):
        if lengths.device.type != "cpu":
            raise RuntimeError("'lengths' argument should be a 1D CPU int64 tensor, but got 1D cuda Long tensor")
    else:
        lengths = lab["tensor"]([int(n) for n in lengths])
    order = None
    if not enforce_sorted:
        lengths, order = lab["sort"](lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order.to(input.device))
    if batch_first:
        input = input.transpose(0, 1)
    sizes = lengths.numpy()
    if len(sizes) != input.shape[1]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.shape[1]})")
    if len(sizes) == 0 or sizes.min() <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if (np.diff(sizes) > 0).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
                           "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability.")
    if sizes[0] > input.shape[0]:
        raise RuntimeError(f"Expected sequence length to be at most {input.shape[0]}, but got a sequence of length {sizes[0]}.")
    batch_sizes = [int((sizes > t).sum()) for t in range(int(sizes[0]))]
    data = lab["cat"]([input[t, :n] for t, n in enumerate(batch_sizes)])
    return PackedSequence(data, lab["tensor"](batch_sizes), order)


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None) -> tuple:
    """The inverse of `pack_padded_sequence`: the padded batch and the lengths.

    >>> import autodiff_lab as lab
    >>> packed = lab.nn.utils.rnn.pack_sequence([lab.tensor([1, 2, 3]), lab.tensor([4, 5])])
    >>> lab.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 5, 0]]), tensor([3, 2]))
    """
    lab = public[""]
    sizes = sequence.batch_sizes.tolist()
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but got "
                             f"total_length={total_length} and max sequence length being {length}")
    total = total_length or length
    starts = np.concatenate([[0], np.cumsum(sizes)])
    steps = []
    more = tuple(sequence.data.shape[1:])
    for t in range(total):
        n = sizes[t] if t < length else 0
        part = [sequence.data[int(starts[t]):int(starts[t]) + n]] if n else []
        if n < sizes[0]:
            part.append(lab["full"]((sizes[0] - n, *more), padding_value, dtype=sequence.data.dtype, device=sequence.data.device))
        steps.append(lab["cat"](part) if len(part) > 1 else part[0])
    padded = lab["stack"](steps, 1 if batch_first else 0)
    lengths = lab["tensor"]([sum(n > i for n in sizes) for i in range(sizes[0])])
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded, lengths


def pad_sequence(sequences, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right") -> Tensor:
    """Tensors of different lengths stacked to one, with padding behind (or before) the short ones.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.rnn.pad_sequence([lab.ones(3), lab.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    lab = public[""]
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side should be either 'right' or 'left', but got {padding_side}")
    if not hasattr(sequences, "__iter__"):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(s.size(0) for s in sequences)
    rows = []
    for s in sequences:
        missing = longest - s.size(0)
        if missing:
            filler = lab["full"]((missing, *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
            s = lab["cat"]([s, filler] if padding_side == "right" else [filler, s])
        rows.append(s)
    return lab["stack"](rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first: bool = False) -> list:
    """The sequences of a padded batch, each with its own length.

    >>> import autodiff_lab as lab
    >>> padded = lab.tensor([[1, 2, 3], [4, 5, 0]])
    >>> lab.nn.utils.rnn.unpad_sequence(padded, lab.tensor([3, 2]), batch_first=True)
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[:int(n)] for row, n in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences, enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors of different lengths.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.rnn.pack_sequence([lab.tensor([1, 2, 3]), lab.tensor([4, 5])]).data
    tensor([1, 4, 2, 5, 3])
    """
    lengths = [s.size(0) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list:
    """The sequences of a packed batch.

    >>> import autodiff_lab as lab
    >>> packed = lab.nn.utils.rnn.pack_sequence([lab.tensor([1, 2, 3]), lab.tensor([4, 5])])
    >>> lab.nn.utils.rnn.unpack_sequence(packed)
    [tensor([1, 2, 3]), tensor([4, 5])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


