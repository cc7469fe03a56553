"""The few names of PyTorch's compiled part that packages touch in passing."""

from __future__ import annotations

import enum
import types

from .core import autocasting
from .core.op import public
from .core.overriding import DisableTorchFunction, DisableTorchFunctionSubclass
from .core.overriding import disabled as _disabled_torch_function_impl
from .core.tensor import Tensor
from .nn.modules.module import _parse_to
from .serialization.archive import PyTorchFileReader

__all__ = ["DisableTorchFunction", "DisableTorchFunctionSubclass", "PyTorchFileReader", "_disabled_torch_function_impl"]

_TensorMeta = type(Tensor)
TensorBase = Tensor


class _Functions(types.SimpleNamespace):
    """`_C._nn`: where PyTorch's `nn.functional` takes what is compiled."""

    def __getattr__(self, name: str):
        found = public["nn.functional"].get(name)
        if found is None:
            raise AttributeError(f"module 'torch._C._nn' has no attribute '{name}'")
        return found


_nn = _Functions(_parse_to=_parse_to)
_PUBLIC = frozenset(("Generator", "Size", "Stream", "Event", "device", "dtype", "finfo", "iinfo", "layout", "memory_format", "default_generator", "get_default_dtype", "get_num_threads", "get_num_interop_threads",
                     "set_num_threads", "set_num_interop_threads", "set_flush_denormal", "is_grad_enabled", "is_inference_mode_enabled", "is_anomaly_enabled", "is_anomaly_check_nan_enabled", "set_anomaly_enabled"))
DispatchKey = enum.Enum("DispatchKey", "Undefined CompositeExplicitAutograd CompositeImplicitAutograd Autograd ADInplaceOrView Python AutocastCPU AutocastMPS AutocastXPU AutocastHPU "
                                       "AutocastCUDA AutocastPrivateUse1 Dense CPU CUDA MPS XPU PrivateUse1 Meta Sparse AutogradCPU AutogradCUDA AutogradMPS AutogradMeta", module=__name__)


class DispatchKeySet:
    """Which ways an operator could take in PyTorch. Here there is one way; packages join such sets in passing."""

    def __init__(self, key: DispatchKey):
        self._keys = frozenset((key,))

    def __or__(self, other: DispatchKeySet) -> DispatchKeySet:
        joined = DispatchKeySet(DispatchKey.Undefined)
        joined._keys = self._keys | other._keys
        return joined

    def has(self, key: DispatchKey) -> bool:
        """True if the key is among them."""
        return key in self._keys

    def __repr__(self) -> str:
        return f"DispatchKeySet({', '.join(key.name for key in DispatchKey if key in self._keys)})"


class _ExcludeDispatchKeyGuard:
    """A context in which operators leave some ways out: autocast is off inside, if the processor's is among them.

    Raises:
        RuntimeError: for any other way.
    """

    def __init__(self, keys: DispatchKeySet):
        others = [key.name for key in keys._keys if not key.name.startswith("Autocast")]
        if others:
            raise RuntimeError(f"_ExcludeDispatchKeyGuard: operators here cannot leave out {', '.join(sorted(others))}, only autocast.")
        self._off = keys.has(DispatchKey.AutocastCPU)

    def __enter__(self) -> None:
        self._before = autocasting.state.enabled
        autocasting.state.enabled = self._before and not self._off

    def __exit__(self, *exception) -> None:
        autocasting.state.enabled = self._before


has_lapack = has_spectral = True
has_mkl = has_openmp = False


def __getattr__(name: str):
    """What PyTorch makes in its compiled part and shows under `torch` too."""
    if name in _PUBLIC:
        import autodiff_lab

        return getattr(autodiff_lab, name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


def _get_tracing_state() -> None:
    """None: nothing is traced."""


def _log_api_usage_once(*args) -> None:
    """Nothing is counted."""


def _get_privateuse1_backend_name() -> str:
    """The name that PyTorch gives a device of somebody's own."""
    return "privateuseone"


def _are_functorch_transforms_active() -> bool:
    """True inside a function that vmap runs on all samples."""
    from .func.levels import running

    return bool(running())
