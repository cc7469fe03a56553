"""Autocast: inside it products run on numbers of sixteen bits, and what would lose too much runs in float32.

Programs that do not use it pay nothing. The first `autocast` that is switched on puts a cast of the arguments before the
functions listed below, once for the process, by exchanging the code inside the same function object (see `overriding`).
The lists are PyTorch's for the processor; what is on none of them takes its arguments as they come.
"""

from __future__ import annotations

import functools
import threading
import types

from .dtypes import float32, of_name
from .op import public, registry
from .overriding import looking, put_before
from .tensor import Tensor

__all__ = ["begin", "cast_to", "state"]


class _State(threading.local):
    begun = False
    enabled = False
    dtype = None  # what it computes in, also while it is off; None means bfloat16
    nesting = 0
    cache_enabled = True

    def __init__(self):
        self.cache: dict = {}  # parameters that were cast since the outermost autocast began, and their casts


state = _State()
_lock = threading.Lock()

# By namespace. A function of several names stands under one of them: the function object is what counts.
LOWER = {
    "": "addbmm addmm baddbmm bmm chain_matmul conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d conv1d conv2d conv3d matmul mm prelu __matmul__ __rmatmul__",
    "linalg": "multi_dot vecdot",
    "nn.functional": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d linear prelu scaled_dot_product_attention",
}
SINGLE = {
    "": "cdist cholesky cholesky_inverse cholesky_solve cosine_embedding_loss ctc_loss fake_quantize_per_tensor_affine geqrf grid_sampler grid_sampler_2d grid_sampler_3d "
        "hinge_embedding_loss inverse kl_div lu_solve margin_ranking_loss nanquantile orgqr ormqr pinverse poisson_nll_loss polar prod qr quantile stft svd trace "
        "triangular_solve triplet_margin_loss view_as_complex binary_cross_entropy_with_logits",
    "linalg": "cholesky cholesky_ex cond eig eigh eigvals eigvalsh householder_product inv inv_ex lstsq matrix_rank qr solve svd svdvals tensorinv "
              "tensorsolve",
    "fft": "fft fft2 fftn hfft ifft ifft2 ifftn ihfft irfft irfft2 irfftn rfft rfft2 rfftn",
    "nn.functional": "adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d binary_cross_entropy binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy ctc_loss "
                     "fractional_max_pool2d fractional_max_pool3d grid_sample hinge_embedding_loss huber_loss kl_div l1_loss margin_ranking_loss max_unpool1d "
                     "max_unpool2d max_unpool3d mse_loss multi_margin_loss multilabel_margin_loss nll_loss poisson_nll_loss smooth_l1_loss soft_margin_loss "
                     "triplet_margin_loss",
}
WIDEST = {"": "cat concat concatenate hstack vstack dstack column_stack row_stack stack index_copy"}


def begin() -> None:
    """Let the functions of the lists look at the state from now on; a second call does nothing."""
    with _lock:
        if _State.begun:
            return
        _State.begun = True
        chosen = {function: choose for names, choose in ((LOWER, _lower), (SINGLE, _single), (WIDEST, _widest)) for function in _functions(names)}
        chosen[registry["lstm_layer"].function] = _lower
        chosen[public["nn.functional"]["pad"]], chosen[public["nn.functional"]["max_pool3d"]] = _for_pad, _for_pool
        for function, choose in chosen.items():
            # Objects that take functions over are asked first, about the arguments as they came.
            put_before(function.inner if function in looking else function, functools.partial(_casting, choose))


def cast_to(value, dtype):
    """A tensor of floating-point numbers other than float64 as `dtype`, also in lists; anything else as it is.

    A parameter is cast once, so that its gradients add up before they are cast back.
    """
    if isinstance(value, Tensor):
        if value._a.dtype == dtype.numpy or not _eligible(value):
            return value
        if not (state.cache_enabled and dtype is lower() and value._rg and value._node is None and value._view is None and value.dtype is float32):
            return value.to(dtype)
        kept = state.cache.get(id(value))
        if kept is None:
            kept = state.cache[id(value)] = (value, value.to(dtype))  # beside the parameter, so that its id stays its own
        return kept[1]
    if value.__class__ in (list, tuple):
        return type(value)([cast_to(each, dtype) for each in value])
    return value


def lower():
    """The type that products run in."""
    return state.dtype or of_name("bfloat16")


# ---- helpers, in order of use ----

def _functions(names: dict):
    """Every function and method behind the names."""
    for namespace, listed in names.items():
        for name in listed.split():
            for found in (public.get(namespace, {}).get(name), None if namespace else vars(Tensor).get(name)):
                if isinstance(found, types.FunctionType):
                    yield found


def _lower(*args, **kwargs):
    return lower()


def _single(*args, **kwargs):
    return float32


def _for_pad(input, pad, mode="constant", value=None):
    """PyTorch's list has padding by reflection for one and two dimensions, by repetition for three too, and none round a circle."""
    return float32 if mode == "replicate" or mode == "reflect" and len(pad) < 6 else None


def _for_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    return None if return_indices else float32


def _widest(*args, **kwargs):
    """float32 if one of the tensors is; those of float64 do not count.

    Raises:
        RuntimeError: if one is of sixteen bits in the other format.
    """
    widest = lower()
    for value in (*args, *kwargs.values()):
        for each in value if value.__class__ in (list, tuple) else (value,):
            if not isinstance(each, Tensor) or not _eligible(each):
                continue
            if float32 in (widest, each.dtype):
                widest = float32
            elif each.dtype is not widest:
                raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
    return widest


def _casting(choose, inner):
    """`inner`, with its arguments cast to the type that `choose` names (None for none), and autocast off inside: what it calls takes them as they come."""
    def look(*args, **kwargs):
        if not state.enabled or kwargs.get("out") is not None:
            return inner(*args, **kwargs)
        dtype = choose(*args, **kwargs)
        if dtype is None:
            return inner(*args, **kwargs)
        args = [cast_to(value, dtype) for value in args]
        kwargs = {name: cast_to(value, dtype) for name, value in kwargs.items()}
        state.enabled = False
        try:
            return inner(*args, **kwargs)
        finally:
            state.enabled = True
    return look


def _eligible(tensor) -> bool:
    return tensor.is_floating_point() and tensor.dtype.itemsize < 8 and tensor.device.type == "cpu"
