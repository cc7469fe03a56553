"""`out=`: a result goes into a tensor that the caller gives.

PyTorch's functions differ in what they accept there. Most only ask that the type of `out` can hold the numbers; those
below ask for one type, each in its own words. All of them resize it if it has another shape, with a warning unless it
was empty, and refuse one that takes part in a graph, but for a few that are written in terms of others.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .dtypes import can_cast, cast_error, dtype, dtype_of
from .errors import caution
from .modes import modes
from .results import out_class, return_type
from .tape import Version
from .tensor import Tensor
from .views import check_writable, overlap, owner

__all__ = ["Called", "stored", "write_out"]


class Called:
    """What `write_out` needs to know of a composed function: its name."""

    __slots__ = ("name",)
    outputs = None

    def __init__(self, name: str):
        self.name = name


def stored(result, out, name: str | None = None) -> Any:  # a tensor or a tuple of tensors
    """`result`, or `out` with its numbers: how a composed function ends that takes `out`.

    Args:
        name: of the function; if None, of the one that calls.
    """
    if out is None:
        return result
    name = name or sys._getframe(1).f_code.co_name.strip("_").removesuffix("_old")
    if isinstance(result, tuple):
        several = write_out(Called(name), out, tuple([part._a for part in result]), any(part._rg for part in result))
        return out_class(type(result))(several)
    if (name in FLOWS or name.endswith("_copy")) and result._rg and modes.grad and isinstance(out, Tensor):
        check_type(name, result.dtype, out.dtype)
        if out.shape == result.shape:
            return out.copy_(result)  # composed of functions that do not know of `out`, so its gradient flows through it
    return write_out(Called(name), out, result._a, result._rg and name not in FLOWS)


def write_out(op, out, array, wants_grad: bool, args: tuple = ()) -> Any:  # a tensor, or as many in a tuple as `out` has
    """Store a result in the tensor given as `out=`; resized if it is empty, as PyTorch does.

    Raises:
        TypeError: if `out` is no tensor, or not as many as there are results.
        RuntimeError: if it takes part in a graph, is of another type than the function writes, or overlaps itself.
    """
    if not isinstance(out, Tensor):
        if isinstance(out, (tuple, list)) and isinstance(array, tuple):
            if len(out) != len(array):
                raise TypeError(f"expected tuple of {len(array)} elements but got {len(out)}")
            for i, each in enumerate(out):
                if not isinstance(each, Tensor):
                    raise TypeError(f"expected Tensor as element {i} in argument 'out' of {op.name}(), but got {type(each).__name__}")
            written = tuple([write_out(op, o, a, wants_grad, args) for o, a in zip(out, array, strict=True)])
            return written if op.outputs is None or op.outputs == "list" else out_class(return_type(op))(written)
        raise TypeError(f"{op.name}(): argument 'out' must be {'tuple of Tensors' if isinstance(array, tuple) else 'Tensor'}, not {type(out).__name__}")
    if modes.grad and (wants_grad or out._rg):
        raise RuntimeError(f"{op.name}(): functions with out=... arguments don't support automatic differentiation, but one of the arguments requires grad.")
    if isinstance(array, tuple):
        raise TypeError(f"{op.name.split('.')[-1]}(): argument 'out' must be tuple of Tensors, not Tensor")
    check_type(op.name, dtype_of(array), out.dtype)
    target = out._array()
    if args and op.name in PICKS:
        check_apart_from(out, target, args[0] if isinstance(args[0], (list, tuple)) else args)
    if isinstance(target, np.ndarray) and 0 in target.strides and target.size > 1:
        check_writable(out, op, False)
    if target.shape != array.shape:
        if target.size:
            caution(f"An output with one or more elements was resized since it had shape {list(target.shape)}, which does not match the required "
                    f"output shape {list(array.shape)}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they have "
                    "zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).")
        out.resize_(array.shape)  # in its memory where that is large enough: other tensors may look at it
        out._array()[...] = array
        return out
    target[...] = array
    if out._ver is None:
        out._ver = Version()
    out._ver.bump()
    return out


# ---- what each function asks of `out` ----

FLOWS = frozenset("cond conj_physical diff eigvals inner matrix_norm nanquantile norm quantile tensordot tensorinv tensorsolve".split())
"""Composed functions that PyTorch composes too: an `out` takes part in the graph."""

PICKS = frozenset(("aminmax", "cat", "complex", "gather", "index_select", "kthvalue", "masked_select", "multinomial", "take"))
"""Their result may not share memory with what they read, nor be of another type than `out`."""

WORDS = {  # functions that find the type of their result before they look at `out`, which must be of that type exactly
    "Expected out tensor to have dtype {cpp}, but got {cpp_given} instead":
        "addmm addmv baddbmm bmm mm index_add index_copy index_reduce log_softmax softmax max_dim min_dim prod renorm scatter scatter_add scatter_reduce sort topk tril triu "
        "argmax argmin linalg.cholesky linalg.det linalg.eigh linalg.eigvalsh linalg.inv linalg.qr linalg.slogdet linalg.solve linalg.svd linalg.svdvals linalg.vector_norm linalg.cross "
        "nn.functional.linear cross cholesky_ex inv_ex solve_ex lu lu_factor lu_factor_ex lu_solve lu_unpack ldl_factor ldl_factor_ex ldl_solve diag msort qr svd slogdet triangular_solve narrow_copy argsort",
    "Found dtype {given} but expected {wanted}":
        "conj_physical abs bitwise_not ceil floor frac lerp neg nn.functional.gelu hardshrink nn.functional.hardshrink nn.functional.softplus nn.functional.softshrink round sgn sign trunc",
    "{name} does not support non-boolean outputs.": "isposinf isneginf signbit",
    "expected scalar_type {wanted} but found {given}": "cummax cummin diff logcumsumexp",
    "expected scalar type {wanted} but found {given}": "solve_triangular nn.functional.logsigmoid householder_product",
    "Expected the dtype for input and out to match, but got {wanted} for input's dtype and {given} for out's dtype.": "amax amin",
    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 flag is True, but we got output tensor's dtype {given}":
        "searchsorted bucketize",
    "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {wanted} and hist {given}": "histc histogram",
    "{name}() out tensor must be same dtype as the input tensor": "quantile nanquantile",
    "nonzero_static: Expected out tensor to have scalar type {wanted} but got scalar type {given}": "nonzero_static",
    "tensordot: Expected the output tensor to have dtype {wanted}, but got an output tensor with dtype {given}": "tensordot inner",
    "linalg.{name} expected out tensor dtype {wanted} but got: {given}": "matrix_norm norm",
    "result dtype {given} does not match input dtype {wanted}": "dot vdot matmul",
    "linalg.vecdot: Expected out of dtype{wanted} but found {given}": "vecdot",
    "expected scalar type '{wanted}' but got '{given}' for an output of {name}": "mode median_dim nanmedian_dim",
    "torch.{name}: Expected input and result to have the same dtype, but input has {wanted} and result {given}": "ormqr",
    "Expected result to be of dtype {wanted}, but got {given}": "hash",
}
WORD_OF = {name: words for words, names in WORDS.items() for name in names.split()}
REAL = frozenset("hfft hfft2 hfftn irfft irfft2 irfftn".split())
TRUTHS = frozenset(("all", "any", "all_dim", "any_dim"))

CPP = {"float64": "double", "float32": "float", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
       "int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char"}


def cpp_name(kind: dtype) -> str:
    """The name of a dtype in C++, which PyTorch puts into some messages."""
    return CPP.get(kind.name, kind.name)


def check_type(name: str, wanted: dtype, given: dtype) -> None:
    """Refuse an `out` of a type that the function `name` does not write its `wanted` type into."""
    if given is wanted:
        return
    if name in WORD_OF or name.endswith("_copy"):
        words = WORD_OF.get(name, "Expected out tensor to have dtype {cpp}, but got {cpp_given} instead")
        raise RuntimeError(words.format(name=name, wanted=wanted.title, given=given.title, cpp=cpp_name(wanted), cpp_given=cpp_name(given)))
    if name in REAL and not given.is_floating_point:
        raise RuntimeError(f"{name} expects a floating point output tensor, but got {given.title}")
    if name in TRUTHS and given.name != "uint8":
        raise RuntimeError(f"{name.removesuffix('_dim')} only supports bool tensor for result, got: {given.title}")
    if name == "cat":
        if not can_cast(wanted, given):
            raise TypeError(f"torch.cat(): input types can't be cast to the desired output type {given.title}")
        return
    if name in PICKS:
        raise RuntimeError(f"{name}(): Expected out tensor to have dtype {wanted}, but got {given} instead")
    if not can_cast(wanted, given):
        raise cast_error(wanted, given)


def check_apart_from(out, target, read) -> None:
    """Refuse to write into memory that the function reads."""
    for other in read:
        if isinstance(other, Tensor) and (other is out or owner(other._a) is owner(target) and overlap(target, other._array(), True)):
            raise RuntimeError("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. "
                               "Please clone() the tensor before performing the operation.")
