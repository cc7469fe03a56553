"""What operators return besides tensors: sizes, and tuples with names."""

from __future__ import annotations

import collections
import operator
from typing import Any

__all__ = ["Size", "out_class", "result_class", "return_type"]


class Size(tuple):
    """The shape of a tensor: a tuple of ints with `numel()`.

    >>> import autodiff_lab as lab
    >>> lab.zeros(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes=()):
        """Of whole numbers; tensors of one whole number become numbers.

        Raises:
            TypeError: for anything else.
        """
        made = tuple.__new__(cls, sizes)
        for size in made:
            if size.__class__ is not int:
                return tuple.__new__(cls, [_size(i, each) for i, each in enumerate(made)])
        return made

    def numel(self) -> int:
        """The number of elements."""
        total = 1
        for size in self:
            total *= size
        return total

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    __str__ = __repr__

    def __getitem__(self, index) -> Any:  # an int, or a Size for a slice
        found = tuple.__getitem__(self, index)
        return tuple.__new__(Size, found) if isinstance(index, slice) else found

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    def __reduce__(self):
        return Size, (tuple(self),)


def _size(i: int, value):
    """`value`, the i-th size, as the number that Size keeps."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(value).__name__}')") from None


_return_types: dict[str, type] = {}


def return_type(op) -> type:
    """The named tuple that an operator with several named outputs returns, e.g. torch.return_types.max."""
    return result_class(op.name.replace(".", "_") if op.name.startswith("linalg.") else op.name.split(".")[-1].removesuffix("_dim"), op.outputs)


def out_class(kind: type) -> type:
    """The class of a result of the class `kind` that was written into tensors given as `out`."""
    return kind if kind is tuple else result_class(f"{kind.__name__}_out", kind._fields)


def result_class(short: str, fields) -> type:
    """The class of `torch.return_types.<short>`: a tuple with names, made from one sequence, that prints as PyTorch's does."""
    found = _return_types.get(short)
    if found is None:
        base = collections.namedtuple(short, fields)

        def __new__(cls, values):
            return tuple.__new__(cls, values)

        def __repr__(self):
            return f"torch.return_types.{short}(\n" + ",\n".join(f"{n}={v!r}" for n, v in zip(fields, self, strict=True)) + ")"

        def __reduce__(self):
            return tuple, (tuple(self),)

        found = type(short, (base,), {"__slots__": (), "__new__": __new__, "__repr__": __repr__, "__reduce__": __reduce__, "__module__": "torch.return_types"})
        _return_types[short] = found
    return found
