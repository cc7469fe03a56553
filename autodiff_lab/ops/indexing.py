"""Brackets: `x[...]` and `x[...] = value`, with integers, slices, None, masks and lists of positions; see places.py."""

from __future__ import annotations

import numpy as np

from ..backend import in_c_order, namespace
from ..backend.cells import add_places
from ..core import observe
from ..core.dtypes import FLOATING
from ..core.modes import modes
from ..core.op import op, ops, registry
from ..core.samples import calls
from ..core.tape import Version
from ..core.tensor import Tensor, wrap
from ..core.views import check_writable
from .conversion import copy_into
from .places import EVERYTHING, Place, add_at, basic_index, basic_place, beside, is_plain, pick, read

Number = int | float | complex | bool


# ---- reading ----

def _indexed(name: str, node_name: str, samples):
    """The operator of one kind of basic index. PyTorch names the node after the last step, so there are several."""
    @op(category="index", latex=r"x_{i}", view=True, function=False, method=False, out=False, name=name, node_name=node_name, samples=samples)
    def select(input: Tensor, index) -> Tensor:
        """`input[index]` for integers, slices, None and ..., as NumPy takes them: a view."""
        return input[index]

    @select.vjp("input")
    def _(grad, input_shape, index):
        return ops.embed(grad, tuple(input_shape), basic_place(index, ""))

    return select


def _samples(*indices, shape=(3, 4)):
    return calls(*(lambda r, i=i: ((r.normal(size=shape), read(i, shape)), {}) for i in indices))


def _basic_samples(*indices):
    return calls(*(lambda r, i=i: ((r.normal(size=(3, 4)), read(i, (3, 4)).basic), {}) for i in indices))


BASIC = {
    "select": _indexed("getitem", "Select", _basic_samples(1, (slice(None), -1), (1, 2))),
    "slice": _indexed("getitem_slice", "Slice", _basic_samples(slice(1, 3), (slice(None), slice(0, 4, 2)), slice(2, 2))),
    "unsqueeze": _indexed("getitem_unsqueeze", "Unsqueeze", _basic_samples(None, (Ellipsis, None), (0, None))),
    "alias": _indexed("getitem_alias", "Alias", _basic_samples(Ellipsis)),
}
_select, _slice = BASIC["select"], BASIC["slice"]


@op(category="index", latex=r"x_{i}", function=False, method=False, out=False, name="index", samples=_samples(
    [0, 2, 0], (slice(None), [1, 1]), ([0, 1], [2, 2]), (None, [0]), np.array([True, False, True]), True))
def index_(input: Tensor, place) -> Tensor:
    """`input[index]` for arrays of positions and masks: a copy. Positions that repeat add their gradients.

    >>> import autodiff_lab as lab
    >>> lab.tensor([5, 6, 7])[lab.tensor([2, 0])]
    tensor([7, 5])
    """
    return in_c_order(pick(input, place))


@index_.vjp("input")
def _(grad, input_shape, place):
    place.check()
    return ops.embed(grad, tuple(input_shape), place)


@op(category="index", function=False, method=False, out=False)
def embed(input: Tensor, shape, place) -> Tensor:
    """Zeros of `shape` with `input` added at `place`: the gradient of indexing."""
    whole = namespace(input).zeros(tuple(shape), input.dtype)
    add_at(whole, place, input)
    return whole


@embed.vjp("input")
def _(grad, place):
    return ops.pick_again(grad, place)


@op(category="index", function=False, method=False, out=False)
def pick_again(input: Tensor, place) -> Tensor:
    """`input` at a place, as a copy."""
    found = pick(input, place)
    return found.copy() if place.advanced is None else found


@pick_again.vjp("input")
def _(grad, input_shape, place):
    return ops.embed(grad, tuple(input_shape), place)


def getitem(self, index):
    """`self[index]`: a view for integers, slices, None and ...; a copy for masks and lists of positions.

    Raises:
        IndexError: for a position outside the tensor, a wrong mask shape or an index of a wrong type.
    """
    kind = index.__class__
    if kind is slice and is_plain(index) and self._a.ndim:  # the usual cases, without a Place
        return _slice(self, index)
    shape = self._a.shape
    if kind is int and shape and -shape[0] <= index < shape[0]:
        return _select(self, (index, ...))
    if kind is tuple and (found := basic_index(index, shape)) is not None:
        return BASIC[found[1]](self, found[0])
    place = read(index, shape)
    return BASIC[place.last](self, place.basic) if place.advanced is None else index_(self, place)


# ---- writing ----

@op(category="index", function=False, method=False, inplace=True, out=False, name="index_put_at", node_name="IndexPut", samples=calls(
    lambda r: ((r.normal(size=(3, 4)), read([0, 2], (3, 4)), r.normal(size=(2, 4))), {}),
    lambda r: ((r.normal(size=(3, 4)), read([0, 0], (3, 4)), r.normal(size=(4,)), True), {})))
def index_put_at(input: Tensor, place, values: Tensor | Number, accumulate: bool = False) -> Tensor:
    """A copy of `input` with `values` written at `place`, or added there."""
    whole = namespace(input).array(input)
    put(whole, place, values, accumulate)
    return whole


@index_put_at.op.writes
def put(whole, place, values, accumulate=False):
    """Write `values` into `whole` at `place`."""
    part = whole[place.basic] if place.basic is not None else whole
    if part.__class__ is not np.ndarray and place.advanced is not None:
        place = Place(place.basic, beside(part, place.advanced), place.guards, place.last, place.once)
    if getattr(values, "ndim", 0):
        values = fitted(values, part[place.advanced].shape)
    if accumulate and place.advanced is not None:
        add_places(part, place.advanced, values)
    else:
        part[place.advanced] = values


def fitted(values, wanted):
    """`values` if it broadcasts to the indexed shape.

    Raises:
        RuntimeError: in PyTorch's words if it does not.
    """
    shape = getattr(values, "shape", ())
    if shape and shape != wanted:
        lead = 0
        while len(shape) - lead > len(wanted) and shape[lead] == 1:
            lead += 1
        if len(shape) - lead > len(wanted) or any(n not in (1, m) for n, m in zip(reversed(shape[lead:]), reversed(wanted), strict=False)):
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(shape)} cannot be broadcast to indexing result of shape {list(wanted)}")
        values = values.reshape(shape[lead:])
    return values


@index_put_at.vjp("input")
def _(grad, place, accumulate):
    return grad if accumulate else ops.index_put_at(grad, place, 0)


@index_put_at.vjp("values")
def _(grad, place, values_shape):
    place.check()
    found = ops.pick_again(grad, place)
    extra = len(values_shape) - found.ndim
    return found.reshape((1,) * extra + tuple(found.shape)) if extra > 0 else found


def setitem(self, index, value) -> None:
    """`self[index] = value`, in place; gradients flow into what stays of `self` and into `value`.

    Raises:
        IndexError: for a position outside the tensor or an index of a wrong type.
        RuntimeError: if `value` does not fit, or the write would make a gradient wrong.
    """
    place = read(index, self._a.shape)
    if (place.advanced is None and not (modes.grad and self._rg) and (self._view is None or not self._view.base._rg) and not observe.observers
            and _write_quickly(self, place, value)):
        return
    value = _value(self, value)
    if place.advanced is not None:
        if isinstance(value, Tensor):
            if value._a.dtype != self._a.dtype:
                if value.numel() != 1 or not _is_mask(index):
                    raise RuntimeError(f"Index put requires the source and destination dtypes match, got {self.dtype.title} for the destination and {value.dtype.title} for the source. "
                                       "Convert the source, e.g. with .to(x.dtype).")
                value = value.to(self.dtype)
        index_put_at_(self, place, value)
        return
    whole = place.last == "alias" or index.__class__ is slice and index == EVERYTHING
    view = self if whole else BASIC[place.last](self, place.basic)
    if whole and self._rg and not isinstance(value, Tensor):
        value = wrap(self._a.dtype.type(value))
    if isinstance(value, Tensor) and (value.ndim or not whole):
        lead = 0
        while value.ndim - lead > view.ndim and value.shape[lead] == 1:
            lead += 1
        if lead:
            value = value.reshape(value.shape[lead:])
        if value._a.shape != view._a.shape and owner(value._array()) is owner(view._array()):
            value = value.expand(view.shape)  # memory that is read several times may also be written to, as in x[:] = x[0]
        copy_into(view, value)
    else:
        check_writable(view, registry["copy"], False)
        view.fill_(value)


def _is_mask(index) -> bool:
    """True for one mask, which is filled with a number rather than written to."""
    return isinstance(index, Tensor) and index.dtype.name in ("bool", "uint8") or isinstance(index, (list, tuple)) and (
        all(each.__class__ is bool for each in index) or len(index) == 1 and _is_mask(index[0]))


def owner(array):
    """The array whose memory `array` looks at."""
    return array if array.base is None else array.base


def _write_quickly(self, place, value) -> bool:
    """Write where nothing is recorded and types and shapes fit; False if it is not that simple."""
    array = self._array()
    if not (array.__class__ is np.ndarray and array.flags.carray):
        return False
    if isinstance(value, Tensor):
        if value._rg and modes.grad or value._view is not None and value._view.base._rg or value._a.__class__ is not np.ndarray:
            return False
        value = value._a
        target = array[place.basic]
        if value.shape != target.shape or value.dtype is not array.dtype or owner(value) is owner(array):
            return False
        target[...] = value
    elif value.__class__ is float and array.dtype in FLOATING or value.__class__ is int and array.dtype.kind == "f":
        array[place.basic] = value
    else:
        return False
    if self._ver is None:
        self._ver = Version()
    self._ver.bump()
    return True


def index_put_at_(self, place, value):
    """The in-place form, by the engine."""
    from ..core.views import write_in_place

    return write_in_place(registry["index_put_at"], self, (self, place, value, False))


def _value(self, value):
    if isinstance(value, Tensor) or value.__class__ in (int, float, bool, complex):
        pass
    elif isinstance(value, np.generic):
        value = value.item()
    elif isinstance(value, (int, float, complex)):
        value = float(value) if isinstance(value, float) else int(value) if isinstance(value, int) else complex(value)
    else:
        raise TypeError(f"can't assign a {type(value).__name__} to a torch.{self.dtype.title}Tensor. Wrap it with torch.tensor(...) first.")
    if value.__class__ is complex and not self.dtype.is_complex:
        raise RuntimeError(f"value cannot be converted to type {self.dtype.name} without overflow: {self.dtype} holds no imaginary part.")
    return value


Tensor.__getitem__ = getitem
Tensor.__setitem__ = setitem
