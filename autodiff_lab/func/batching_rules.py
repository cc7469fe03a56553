"""What functions make of tensors that stand for all samples of a `vmap`; see batched.py.

A rule gets the function, the number of the vmap, and the arguments as they were given. It calls the function on whole tensors,
whose first dimension counts samples, with every dimension that the caller named moved by one.
"""

from __future__ import annotations

import functools
import types

from ..core.op import public
from ..core.tensor import Tensor
from .batched import Batched, Unruled
from .levels import state

__all__ = ["by_name", "is_mine", "only_first", "rule", "rules", "whole_of", "wrapped"]

_all, F = public[""], public["nn.functional"]
by_name: dict = {}


@functools.cache
def rules() -> dict:
    """The rule of every function and method that has one."""
    from . import batching_layers

    assert batching_layers
    found: dict = {}
    for functions in (vars(Tensor), *(public[space] for space in ("", "special", "nn.functional"))):
        for function in functions.values():
            made = getattr(function, "op", None)
            if made is not None and made.category in ("pointwise", "comparison", "activation", "other") and made.name not in NOT_ELEMENTWISE:
                found[function] = elementwise
    for names, rule in by_name.items():
        for name in names.split():
            space, _, short = name.rpartition(".")
            places = (public.get(space, {}),) if space else (_all, vars(Tensor))
            for place in places:
                function = place.get(short)
                if isinstance(function, property):
                    found[function.__get__] = rule
                elif isinstance(function, (types.FunctionType, types.MethodType)):
                    found[function] = rule
    return found


def rule(names: str):
    """Decorate the rule of these functions; with a namespace in front where they are not `lab.name` and `Tensor.name`."""
    def decorate(function):
        by_name[names] = function
        return function
    return decorate


# ---- helpers that every rule uses ----

def is_mine(value, level: int) -> bool:
    return isinstance(value, Batched) and value.level == level


def whole_of(value, level: int):
    """All samples, along the first dimension; of a tensor that is the same for all, a view that repeats it."""
    return value.whole if is_mine(value, level) else value.expand((state.sizes[level - 1], *value.shape))


def wrapped(result, level: int):
    """The results of a call on whole tensors, as those of one sample."""
    if isinstance(result, Tensor):
        return Batched.of(result, level)
    if isinstance(result, (tuple, list)):
        return type(result)([wrapped(each, level) for each in result])
    raise Unruled


def moved(dim, ndim: int):
    """The dimension or dimensions of one sample, as those of all."""
    if isinstance(dim, (tuple, list)):
        return tuple(moved(d, ndim) for d in dim)
    if not isinstance(dim, int) or isinstance(dim, bool) or not -max(ndim, 1) <= dim < max(ndim, 1) or not ndim:
        raise Unruled
    return dim % ndim + 1


def aligned(value, level: int, ndim: int):
    """A whole tensor with so many dimensions after the first that it broadcasts as one sample would; anything else as it is."""
    if not is_mine(value, level):
        return value
    whole = value.whole
    missing = ndim + 1 - whole.ndim
    return whole if missing <= 0 else whole.reshape((whole.shape[0], *(1,) * missing, *whole.shape[1:]))


def flat_sizes(sizes) -> tuple:
    """Sizes given one by one, or as one sequence."""
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else tuple(sizes)


def only_first(args, kwargs, level: int) -> Tensor:
    """The whole of the first argument, where nothing else may be batched."""
    if not args or not is_mine(args[0], level) or any(is_mine(v, level) for v in (*args[1:], *kwargs.values())):
        raise Unruled
    return args[0].whole


def writes(func) -> bool:
    name = getattr(func, "__name__", "")
    return name.endswith("_") and not name.endswith("__") or name.startswith("__i") and name not in ("__invert__", "__int__", "__index__", "__iter__")


# ---- element by element ----

NOT_ELEMENTWISE = frozenset(("softmax", "log_softmax", "softmax_backward", "log_softmax_backward", "nn.functional.glu", "prelu", "rrelu", "argmax", "argmin", "all", "any", "count_nonzero", "frexp"))


@rule("where masked_fill masked_fill_ clone contiguous detach to float double half bfloat16 int long short bool cfloat cdouble type_as zeros_like ones_like full_like isclose "
      "clip clip_ zero_ fill_ copy_ lerp_ requires_grad_ data real imag square_ add_ sub_ mul_ div_ nn.functional.relu nn.functional.one_hot resolve_conj resolve_neg absolute negative "
      "subtract multiply divide true_divide not_equal less less_equal greater greater_equal fix arcsin arccos arctan arcsinh arccosh arctanh arctan2 float_power")
def elementwise(func, level, args, kwargs):
    values = (*args, *kwargs.values())
    tensors = [v for v in values if isinstance(v, Tensor)]
    sizes = [v.ndim for v in tensors]
    ndim = max(sizes)
    if 0 in sizes and ndim or 0 in sizes and len(tensors) > 1:
        if any(v.dtype is not tensors[0].dtype for v in tensors):
            raise Unruled  # a tensor of no dimension has less of a say in the type of the result
    if getattr(func, "__name__", "") in ("to", "type_as") and not is_mine(args[0], level):
        raise Unruled  # only asked for its type
    in_place = writes(func)
    if in_place and not (is_mine(args[0], level) and args[0].ndim == ndim) or "out" in kwargs:
        raise Unruled
    found = func(*(aligned(v, level, ndim) for v in args), **{name: aligned(v, level, ndim) for name, v in kwargs.items()})
    return args[0] if in_place else wrapped(found, level)


# ---- what a tensor says of itself ----

@rule("shape")
def shape(func, level, args, kwargs):
    return args[0].whole.shape[1:]


@rule("size")
def size(func, level, args, kwargs):
    found = args[0].whole.shape[1:]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return found if dim is None else found[dim]


@rule("ndim dim ndimension")
def ndim(func, level, args, kwargs):
    return args[0].whole.ndim - 1


@rule("numel nelement")
def numel(func, level, args, kwargs):
    whole = args[0].whole
    return whole[0].numel() if whole.shape[0] else 0


@rule("__len__")
def length(func, level, args, kwargs):
    whole = args[0].whole
    if whole.ndim < 2:
        raise TypeError("len() of a 0-d tensor")
    return whole.shape[1]


@rule("dtype device layout requires_grad is_floating_point is_complex is_cuda is_cpu is_meta is_sparse itemsize element_size get_device is_signed")
def same_for_all(func, level, args, kwargs):
    return func(args[0].whole, *args[1:], **kwargs)


# ---- along dimensions ----

def with_dim(position: int, default, several: bool = False):
    """The rule of a function whose dimension is its argument number `position`, called `dim`.

    Args:
        default: the dimension that it takes if none is given; None for all of them.
        several: whether it takes several.
    """
    def along(func, level, args, kwargs):
        whole = only_first(args, kwargs, level)
        args, kwargs = list(args), dict(kwargs)
        if "axis" in kwargs or "out" in kwargs:
            raise Unruled
        given = kwargs.pop("dim") if "dim" in kwargs else args[position] if len(args) > position else default
        keywords = dict(kwargs)
        if given is None or given == () or given == []:
            if keywords.get("keepdim") or len(args) > position + 1 or default is not None or given is not None and not several:
                raise Unruled
            if whole.ndim == 1:
                whole = whole.unsqueeze(1)
            if several:
                dim = tuple(range(1, whole.ndim))
            else:
                whole, dim = whole.flatten(1), 1
        else:
            dim = moved(given, whole.ndim - 1)
        args[0] = whole
        if len(args) > position:
            args[position] = dim
        else:
            keywords["dim"] = dim
        return wrapped(func(*args, **keywords), level)
    return along


by_name["sum mean amax amin std var nansum nanmean all any count_nonzero logsumexp std_mean var_mean"] = with_dim(1, None, True)
by_name["prod argmax argmin"] = with_dim(1, None)
by_name["softmax log_softmax nn.functional.softmax nn.functional.log_softmax nn.functional.softmin cumsum cumprod cummax cummin logcumsumexp unsqueeze_ index_select select narrow "
         "flip fliplr unfold squeeze_multiple"] = with_dim(1, ...)
by_name["norm linalg.vector_norm"] = with_dim(2, None, True)
by_name["sort argsort mode"] = with_dim(1, -1)
by_name["topk"] = with_dim(2, -1)
by_name["kthvalue"] = with_dim(2, -1)
by_name["split chunk tensor_split split_with_sizes"] = with_dim(2, 0)
by_name["unbind"] = with_dim(1, 0)
by_name["nn.functional.glu"] = with_dim(1, -1)
by_name[" ".join(f"fft.{name}" for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"))] = with_dim(2, -1)
by_name[" ".join(f"fft.{name}" for name in ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2"))] = with_dim(2, (-2, -1))


@rule("max min")
def extreme(func, level, args, kwargs):
    name = func.__name__
    if len(args) == 1 and not kwargs:
        return (_all["amax"] if name == "max" else _all["amin"])(args[0])
    if len(args) > 1 and isinstance(args[1], Tensor):
        return elementwise(_all["maximum" if name == "max" else "minimum"], level, args, kwargs)
    return with_dim(1, ...)(func, level, args, kwargs)


@rule("median nanmedian")
def median(func, level, args, kwargs):
    if len(args) == 1 and not kwargs:
        whole = only_first(args, kwargs, level)
        return wrapped(func(whole.reshape((whole.shape[0], -1)), 1).values, level)
    return with_dim(1, ...)(func, level, args, kwargs)


@rule("gather scatter scatter_add take_along_dim index_add index_copy")
def at_places(func, level, args, kwargs):
    if len(args) < 3 or kwargs or func.__name__ == "take_along_dim" or func.__name__.startswith("index_"):
        raise Unruled
    ndim = args[0].ndim
    if not ndim or any(isinstance(v, Tensor) and v.ndim != ndim for v in args[2:]):
        raise Unruled
    return wrapped(func(whole_of(args[0], level), moved(args[1], ndim), *(whole_of(v, level) if isinstance(v, Tensor) else v for v in args[2:])), level)


# ---- shapes ----

@rule("reshape view")
def reshape(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    sizes = kwargs.get("shape", kwargs.get("size")) or flat_sizes(args[1:])
    if len(sizes) == 1 and not isinstance(sizes[0], int):
        return wrapped(func(whole, sizes[0]), level)  # a dtype
    if not whole.shape[0]:
        raise Unruled
    return wrapped(func(whole, (whole.shape[0], *sizes)), level)


@rule("view_as reshape_as expand_as")
def as_other(func, level, args, kwargs):
    return {"view_as": Tensor.view, "reshape_as": Tensor.reshape, "expand_as": Tensor.expand}[func.__name__](args[0], tuple(args[1].shape))


@rule("permute")
def permute(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    dims = kwargs.get("dims") or flat_sizes(args[1:])
    return wrapped(func(whole, (0, *(moved(d, whole.ndim - 1) for d in dims))), level)


@rule("transpose swapaxes swapdims movedim moveaxis diagonal flatten")
def two_dims(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    ndim = whole.ndim - 1
    if func.__name__ == "diagonal":
        given = dict(zip(("offset", "dim1", "dim2"), args[1:], strict=False)) | kwargs
        return wrapped(func(whole, given.get("offset", 0), moved(given.get("dim1", 0), ndim), moved(given.get("dim2", 1), ndim)), level)
    if func.__name__ == "flatten":
        if not ndim:
            return wrapped(whole.unsqueeze(1), level)
        given = dict(zip(("start_dim", "end_dim"), args[1:], strict=False)) | kwargs
        return wrapped(func(whole, moved(given.get("start_dim", 0), ndim), moved(given.get("end_dim", -1), ndim)), level)
    first, second = (*args[1:], *kwargs.values())
    return wrapped(func(whole, moved(first, ndim), moved(second, ndim)), level)


@rule("mT mH adjoint")
def turned(func, level, args, kwargs):
    whole = args[0].whole
    if whole.ndim < 3:
        raise Unruled
    return wrapped(whole.transpose(-2, -1) if func == Tensor.mT.__get__ else whole.transpose(-2, -1).conj(), level)


@rule("T t")
def turned_matrix(func, level, args, kwargs):
    whole = args[0].whole
    if whole.ndim > 3:
        raise Unruled
    return wrapped(whole.transpose(1, 2), level) if whole.ndim == 3 else args[0]


@rule("unsqueeze")
def unsqueeze(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    return wrapped(whole.unsqueeze(moved(dim, whole.ndim)), level)


@rule("squeeze")
def squeeze(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    given = kwargs.get("dim", args[1] if len(args) > 1 else None)
    dims = [d for d in range(1, whole.ndim) if whole.shape[d] == 1] if given is None else [moved(d, whole.ndim - 1) for d in (given if isinstance(given, (tuple, list)) else (given,))]
    return wrapped(whole.squeeze(tuple(dims)) if dims else whole.view_as(whole), level)


@rule("expand broadcast_to")
def expand(func, level, args, kwargs):
    sizes = kwargs.get("size") or flat_sizes(args[1:])
    whole = aligned(args[0], level, len(sizes))
    return wrapped(whole.expand((whole.shape[0], *sizes)), level)


@rule("repeat tile")
def repeat(func, level, args, kwargs):
    times = flat_sizes(args[1:])
    if func.__name__ == "tile" and len(times) < args[0].ndim:
        times = (1,) * (args[0].ndim - len(times)) + times
    return wrapped(aligned(args[0], level, len(times)).repeat((1, *times)), level)


@rule("roll")
def roll(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    given = dict(zip(("shifts", "dims"), args[1:], strict=False)) | kwargs
    if given.get("dims") is None:
        raise Unruled
    return wrapped(whole.roll(given["shifts"], moved(given["dims"], whole.ndim - 1)), level)


@rule("tril triu linalg.inv linalg.det linalg.cholesky linalg.slogdet linalg.matrix_exp linalg.eigh linalg.eigvalsh linalg.svdvals linalg.qr linalg.pinv logdet matrix_exp inverse")
def of_matrices(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    if whole.ndim < 3:
        raise Unruled
    return wrapped(func(whole, *args[1:], **kwargs), level)


@rule("nn.functional.pixel_shuffle nn.functional.pixel_unshuffle pixel_shuffle pixel_unshuffle")
def with_leading(func, level, args, kwargs):
    return wrapped(func(only_first(args, kwargs, level), *args[1:], **kwargs), level)


@rule("cat concat concatenate stack")
def joined(func, level, args, kwargs):
    tensors = args[0] if args else kwargs["tensors"]
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    if "out" in kwargs or "axis" in kwargs or len({t.ndim for t in tensors}) > 1:
        raise Unruled
    return wrapped(func([whole_of(t, level) for t in tensors], moved(dim, tensors[0].ndim + (func.__name__ == "stack"))), level)


# ---- indexing ----

def _index(index, level: int):
    """An index of one sample as one of all; a batched one must stand alone."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(p, (list, bool)) or isinstance(p, Tensor) and (is_mine(p, level) or p.dtype.name == "bool") for p in parts):
        raise Unruled
    advanced = [i for i, p in enumerate(parts) if isinstance(p, Tensor)]
    if advanced and (advanced != list(range(advanced[0], advanced[-1] + 1)) or any(isinstance(p, int) for p in parts)):
        raise Unruled  # the dimension of the samples would not stay in front
    return (slice(None), *parts)


@rule("__getitem__")
def getitem(func, level, args, kwargs):
    source, index = args
    if is_mine(index, level) and index.dtype.name not in ("bool", "uint8"):
        return _rows(source, index, level)
    return wrapped(whole_of(source, level)[_index(index, level)], level)


def _rows(source, index, level: int):
    """`source[index]` where each sample has an index of its own."""
    index = index.whole
    if not is_mine(source, level):
        return Batched.of(source[index], level)
    samples = _all["arange"](index.shape[0]).reshape((-1, *(1,) * (index.ndim - 1)))
    return Batched.of(source.whole[samples, index], level)


@rule("__setitem__")
def setitem(func, level, args, kwargs):
    target, index, value = args
    if not is_mine(target, level):
        raise Unruled
    part = target.whole[_index(index, level)]
    target.whole[_index(index, level)] = aligned(value, level, part.ndim - 1)


@rule("nn.functional.embedding embedding")
def embedding(func, level, args, kwargs):
    if func is not F.get("embedding") or len(args) > 2 or any(v for v in kwargs.values()):
        raise Unruled
    indices, weight = args
    if not is_mine(weight, level):
        return wrapped(func(indices.whole, weight), level)
    return _rows(weight, Batched.of(whole_of(indices, level), level), level)


# ---- products ----

@rule("matmul __matmul__ mm bmm mv dot")
def matmul(func, level, args, kwargs):
    one, two = args
    if kwargs:
        raise Unruled
    p, q = one.ndim, two.ndim
    if not p or not q:
        raise Unruled
    if not is_mine(two, level) and q <= 2 and p > 1:
        return wrapped(_all["matmul"](one.whole, two), level)
    left, right = (v.whole if is_mine(v, level) else v for v in (one, two))
    left = left.unsqueeze(-2) if p == 1 else left
    right = right.unsqueeze(-1) if q == 1 else right
    inside = max(p, q, 2)
    left, right = (_padded(v, given, level, inside) for v, given in ((left, one), (right, two)))
    found = _all["matmul"](left, right)
    found = found.squeeze(-1) if q == 1 else found
    return wrapped(found.squeeze(-1 if q == 1 else -2) if p == 1 else found, level)


def _padded(whole, given, level: int, ndim: int):
    """A batched stack of matrices with `ndim` dimensions after that of the samples."""
    missing = ndim + 1 - whole.ndim
    return whole.reshape((whole.shape[0], *(1,) * missing, *whole.shape[1:])) if missing > 0 and is_mine(given, level) else whole


@rule("linalg.solve")
def solve(func, level, args, kwargs):
    A, B = args
    if kwargs or A.ndim != 2 or B.ndim not in (1, 2):
        raise Unruled
    right = whole_of(B, level)
    found = func(whole_of(A, level), right.unsqueeze(-1) if B.ndim == 1 else right)
    return wrapped(found.squeeze(-1) if B.ndim == 1 else found, level)


@rule("__rmatmul__")
def rmatmul(func, level, args, kwargs):
    return _all["matmul"](args[1], args[0])


@rule("addmm baddbmm addmv")
def added_product(func, level, args, kwargs):
    first, one, two = args
    alpha, beta = kwargs.get("alpha", 1), kwargs.get("beta", 1)
    if not first.dtype.is_floating_point:
        raise Unruled
    product = one @ two
    return (first if beta == 1 else first * beta) + (product if alpha == 1 else product * alpha)


@rule("nn.functional.linear")
def linear(func, level, args, kwargs):
    given = dict(zip(("input", "weight", "bias"), args, strict=False)) | kwargs
    input, weight, bias = given["input"], given["weight"], given.get("bias")
    if weight.ndim != 2 or not input.ndim:
        raise Unruled
    if not is_mine(weight, level) and not is_mine(bias, level):
        return wrapped(func(input.whole, weight, bias), level)
    found = input @ weight.t()
    return found if bias is None else found + bias
