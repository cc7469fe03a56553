"""Names that programs reach though there is little behind them here: compressed sparse tensors are refused, control flow is Python's own."""

from __future__ import annotations

import importlib

import numpy as np

from ..core.arguments import Sizes
from ..core.op import public
from ..core.outs import stored
from ..core.tensor import Tensor, wrap
from .reductions import axes

__all__ = ["cond", "get_device_module", "while_loop"]

_all = public[""]


def cond(pred, true_fn, false_fn, operands=()):
    """`true_fn(*operands)` or `false_fn(*operands)`: what `if` does; PyTorch's compiler needs it as a function.

    >>> import autodiff_lab as lab
    >>> lab.cond(lab.tensor(True), lambda x: x + 1, lambda x: x - 1, (lab.ones(1),))
    tensor([2.])
    """
    if not isinstance(pred, (bool, Tensor)):
        raise RuntimeError(f"Expected pred to be bool or tensor, but got {pred}.")
    if isinstance(pred, Tensor) and pred.numel() != 1:
        raise RuntimeError(f"Expected pred to be bool or single-element tensor, but got {pred}.")
    if not callable(true_fn) or not callable(false_fn):
        raise RuntimeError("Expect both branches to be callable.")
    if not isinstance(operands, (tuple, list)):
        raise RuntimeError("Expect operands to be a tuple of possibly nested dict/list/tuple that only consists of tensor leaves, "
                           f"but got {operands}.")
    return (true_fn if bool(pred) else false_fn)(*operands)


def while_loop(cond_fn, body_fn, carried_inputs):
    """`carried = body_fn(*carried)` as long as `cond_fn(*carried)`: what `while` does; PyTorch's compiler needs it as a function.

    >>> import autodiff_lab as lab
    >>> lab.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (lab.tensor(0), lab.ones(2)))
    (tensor(3), tensor([8., 8.]))
    """
    if not callable(cond_fn) or not callable(body_fn):
        raise RuntimeError("Expect cond_fn and body_fn to be callable.")
    carried = tuple(carried_inputs) if isinstance(carried_inputs, (tuple, list)) else (carried_inputs,)
    while bool(cond_fn(*carried)):
        found = body_fn(*carried)
        carried = tuple(found) if isinstance(found, (tuple, list)) else (found,)
    return carried


def get_device_module(device=None):
    """`torch.cpu` or `torch.cuda`: the module with the functions of a kind of device."""
    from ..core.devices import cuda_available
    from ..core.devices import device as device_type

    kind = device_type(device).type if device is not None else "cuda" if cuda_available() else "cpu"
    return importlib.import_module(f"autodiff_lab.{kind}")


def _sparse(name: str):
    def refuse(*args, **kwargs):
        raise NotImplementedError(f"{name}: compressed sparse layouts are not here. Use sparse_coo_tensor, or a dense tensor.")
    refuse.__name__, refuse.__doc__ = name, "Refused: only the coordinate layout is here."
    return refuse


for _name in ("sparse_csr_tensor", "sparse_csc_tensor", "sparse_bsr_tensor", "sparse_bsc_tensor", "sparse_compressed_tensor"):
    _all.setdefault(_name, _sparse(_name))


def _needs_sparse(name: str):
    def refuse(*args, **kwargs):
        raise RuntimeError(f"tensor.{name}(...) can only be called on sparse tensors, and every tensor here is dense. Use mm or addmm.")
    refuse.__name__, refuse.__doc__ = name, "Only for sparse tensors, which there are none of here."
    return refuse


for _name in ("smm", "sspaddmm", "saddmm"):
    _all.setdefault(_name, _needs_sparse(_name))
    if not hasattr(Tensor, _name) and _name != "saddmm":
        setattr(Tensor, _name, _all[_name])
_all.setdefault("dsmm", _all["mm"])
_all.setdefault("hsmm", _needs_sparse("hsmm"))
_all.setdefault("hspmm", _needs_sparse("hspmm"))


def _reinforce(self, reward):
    """Removed from PyTorch: use distributions and log_prob."""
    raise RuntimeError("reinforce() was removed.\nUse torch.distributions instead: loss = -Categorical(probs).log_prob(action) * reward.")


def _chalf(self, *, memory_format=None):
    """Refused: NumPy has no complex numbers of 16 bits."""
    raise NotImplementedError("chalf: complex32 is not supported, because NumPy has no such type. Use cfloat(), which is complex64.")


Tensor.reinforce, Tensor.chalf = _reinforce, _chalf
Tensor.is_coalesced = _needs_sparse("is_coalesced")
Tensor._cdata = property(id, doc="A number that no other tensor has while this one is alive; packages compare it.")
Tensor.grad_dtype = property(lambda self: self.dtype, doc="The type of the gradient: that of the tensor.")


def _hash(input, dim=None, *, keepdim: bool = False, mode: int = 0, out=None):
    """The exclusive or of the bits of all elements, each as 64 bits: equal tensors have equal hashes."""
    if mode != 0:
        raise RuntimeError(f"hash_tensor: unknown mode {mode}; 0 (exclusive or) is what there is.")
    array = input.detach().cpu()._array()
    bits = array.astype(np.float64).view(np.uint64) if input.is_floating_point() else array.astype(np.int64).view(np.uint64)
    chosen = axes(dim, array.ndim)
    chosen = tuple(range(array.ndim)) if chosen is None else chosen
    found = np.bitwise_xor.reduce(bits, axis=chosen, keepdims=keepdim) if chosen else bits
    return stored(wrap(found), out)


def _from_file(filename: str, shared: bool | None = None, size: int = 0, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """A tensor whose memory is a file: writes reach the file if `shared`."""
    from ..core.dtypes import get_default_dtype

    kind = (get_default_dtype() if dtype is None else dtype).numpy
    if shared:
        with open(filename, "ab") as file:  # like PyTorch, make it large enough
            file.truncate(max(file.tell(), size * kind.itemsize))
    array = np.memmap(filename, dtype=kind, mode="r+" if shared else "c", shape=(size,))
    return wrap(np.asarray(array)).requires_grad_(requires_grad)


def affine_grid_generator(theta: Tensor, size: Sizes, align_corners: bool):
    """See `nn.functional.affine_grid`."""
    return public["nn.functional"]["affine_grid"](theta, size, align_corners)


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool):
    """See `nn.functional.grid_sample`; the modes are numbers here."""
    return public["nn.functional"]["grid_sample"](input, grid, ("bilinear", "nearest", "bicubic")[interpolation_mode], ("zeros", "border", "reflection")[padding_mode], align_corners)


_all.update(affine_grid_generator=affine_grid_generator, grid_sampler=grid_sampler, grid_sampler_2d=grid_sampler, grid_sampler_3d=grid_sampler, addmv_=Tensor.addmv_)
_all.update(cond=cond, while_loop=while_loop, get_device_module=get_device_module, hash_tensor=_hash, from_file=_from_file)
Tensor.hash_tensor = _hash
