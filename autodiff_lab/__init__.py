"""Autodiff Lab: tensors, automatic differentiation and neural networks with PyTorch's names, made to be seen through.

    import autodiff_lab as lab
    x = lab.tensor([1.0, 2.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                      # tensor([2., 4.])
"""

from __future__ import annotations

import functools as _functools
import math as _math
import warnings as _warnings
from typing import Any as _Any

from . import (
    accelerator,
    amp,
    autograd,
    backends,
    compiler,
    cuda,
    datasets,
    distributed,
    fft,
    func,
    hub,
    jit,
    linalg,
    mps,
    multiprocessing,
    nn,
    onnx,
    ops,
    optim,
    profiler,
    serialization,
    settings,
    signal,
    special,
    utils,
    version,
)
from .amp.autocast_mode import (
    autocast,
    autocast_decrement_nesting,
    autocast_increment_nesting,
    clear_autocast_cache,
    get_autocast_cpu_dtype,
    get_autocast_dtype,
    get_autocast_gpu_dtype,
    is_autocast_cache_enabled,
    is_autocast_cpu_enabled,
    is_autocast_enabled,
    set_autocast_cache_enabled,
    set_autocast_cpu_dtype,
    set_autocast_cpu_enabled,
    set_autocast_dtype,
    set_autocast_enabled,
)
from .as_torch import as_torch
from .core import devices as _devices
from .core import dtypes as _dtypes
from .core import modes as _modes
from .core.devices import device, get_default_device, set_default_device
from .core.dtypes import can_cast, dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from .core.modes import enable_grad, inference_mode, is_grad_enabled, is_inference_mode_enabled, no_grad, set_grad_enabled
from .core.op import give_home as _give_home
from .core.op import public as _public
from .core.printing import set_printoptions
from .core.tensor import Size, Tensor
from .func import vmap
from .jit import ScriptModule
from .serialization import load, save
from .serialization.archive import PyTorchFileReader

__version__ = "0.1.0"

# PyTorch is silent about 1/0 and overflow: inf and nan say it. NumPy's warnings from our kernels would only repeat it.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"autodiff_lab\.")

bool, uint8, int8, int16, int32, int64 = (_dtypes.of_name(n) for n in ("bool", "uint8", "int8", "int16", "int32", "int64"))
uint16, uint32, uint64 = (_dtypes.of_name(n) for n in ("uint16", "uint32", "uint64"))
float16, float32, float64, complex64, complex128 = (_dtypes.of_name(n) for n in ("float16", "float32", "float64", "complex64", "complex128"))
half, float, double, short, int, long, cfloat, cdouble = float16, float32, float64, int16, int32, int64, complex64, complex128
if _dtypes.bfloat16 is not None:
    bfloat16 = _dtypes.bfloat16
globals().update(_dtypes.NAMED, chalf=_dtypes.NAMED["complex32"], bit=_dtypes.NAMED["uint1"])
pi, e, inf, nan, newaxis = _math.pi, _math.e, _math.inf, _math.nan, None

globals().update(_public[""])
for _namespace in ("", "linalg", "fft", "special"):
    _give_home(_namespace, f"{__name__}.{_namespace}".rstrip("."))


@_functools.wraps(_public[""]["diff"])
def diff(input, *args, **options):
    """Differences of neighbouring elements, as in PyTorch; of two tensors or recordings: what differs between their graphs."""
    if not isinstance(input, Tensor) or (args and isinstance(args[0], Tensor)):
        from .notebook import diff as compare_graphs

        return compare_graphs(input, *args, **options)
    return _public[""]["diff"](input, *args, **options)


diff.__module__ = __name__  # where pickle finds it


def load_ipython_extension(ipython) -> None:
    """`%load_ext autodiff_lab`: from here on, cells that build a graph show it."""
    from . import notebook

    notebook.load_ipython_extension(ipython)


def unload_ipython_extension(ipython) -> None:
    """`%unload_ext autodiff_lab`: stop watching cells."""
    from . import notebook

    notebook.unload_ipython_extension(ipython)


def _bundle(tensor, include=None, exclude=None) -> dict:
    """What a notebook shows of a tensor that is the last line of a cell: PyTorch's text, and a picture of its numbers."""
    from .notebook.tensors import bundle

    return bundle(tensor)


Tensor._repr_mimebundle_ = _bundle


_MODULES_LATER = ("_C", "__config__", "_custom_ops", "_dynamo", "_higher_order_ops", "_tensor_str", "_utils", "ao", "cpu", "distributions", "functional", "futures", "fx", "library", "masked", "overrides", "quasirandom", "return_types", "sparse", "storage", "testing", "types", "xpu")
_LATER = {**dict.fromkeys(("SymBool", "SymFloat", "SymInt", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sqrt", "sym_sum"), "symbolic"), "GradScaler": "amp", "Future": "futures", "Stream": "cuda", "Event": "cuda", "show": "notebook", "summary": "notebook", "diagnose": "notebook", "explain": "notebook", "name": "notebook", "watch": "widgets.watch", "compare": "widgets.watch", "Run": "widgets.watch", "check": "lessons", "hint": "lessons", "author": "lessons"}


def __getattr__(name: str) -> _Any:
    """Parts that need more than NumPy and SciPy, or that few programs use, are imported when first asked for."""
    import importlib

    if name in _MODULES_LATER:
        return importlib.import_module(f".{name}", __name__)

    if name in _LATER:
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    if name.startswith("_foreach_"):
        importlib.import_module(".foreach", __name__)
        if name in _public[""]:
            return _public[""][name]
    if name.startswith(("_check", "_assert")):
        from . import checks

        if name in checks.__all__:
            return getattr(checks, name)
    from .core.missing import MissingName

    raise MissingName(__name__, name)


assert _devices and _modes
