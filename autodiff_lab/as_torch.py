"""Lets programs written for PyTorch run here: `import torch` resolves to this library, in this process only.

The module that such a program gets is a copy of this one's names under the name `torch`; every submodule is this
library's own, so that classes and their identities are the same under both names.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Iterable
from pathlib import Path

from .distributed.refusal import ONE_PROCESS, refused_module
from .version import like

__all__ = ["AsTorch", "as_torch"]

_LIBRARY = __package__
_GOING_ON = "A program that can do without goes on with `python -m autodiff_lab --without {0} PROGRAM.py`, or lab.as_torch(without=[\"{0}\"]): then only what it takes from {0} is refused."
_COMPANIONS = {
    "torchvision": "it is not installed. `pip install --no-deps torchvision pillow` installs it without PyTorch; its Python code then runs here, and what it has compiled is refused.",
    "torchaudio": "torchaudio works only with PyTorch itself, against which it is compiled.",
    "torchtext": "torchtext works only with PyTorch itself, against which it is compiled. For small texts use autodiff_lab.datasets.load_verse() or load_names().",
}
_BLAMES = {  # modules of torchvision, what says there that operators are missing, and what to do instead
    "torchvision.extension": ("_assert_has_ops", "What torchvision has in Python (transforms, data sets, models, most of ops) does run."),
    "torchvision.io.image": ("_assert_has_image_ops", "Read an image with torchvision.transforms.functional.pil_to_tensor(PIL.Image.open(path)), write one with torchvision.utils.save_image."),
}
_NOT_OURS = {"backend", "core", "ops", "record", "export", "widgets", "notebook", "lessons", "datasets", "as_torch", "__main__"}  # PyTorch has no such modules
_ELSEWHERE = {  # where the module of a longer path stands here
    **{f"_higher_order_ops.{name}": "_higher_order_ops.loops" for name in ("associative_scan", "cond", "map", "scan", "while_loop")},
    "_dynamo.utils": "_dynamo", "_dynamo._trace_wrapped_higher_order_op": "_dynamo", "_dynamo.eval_frame": "_dynamo", "_subclasses.fake_tensor": "_subclasses", "quantization": "ao.quantization", "ao.nn.quantized": "nn.quantized", "autograd.anomaly_mode": "autograd.anomaly", "cpu.amp.autocast_mode": "cpu.amp", "cpu.amp.grad_scaler": "cpu.amp",
    "cuda.amp.autocast_mode": "cuda.amp",
    "cuda.amp.grad_scaler": "cuda.amp", "distributed.algorithms.join": "distributed", "distributed.checkpoint.state_dict": "distributed.state_dict", "distributed.optim": "distributed",
    "distributed._composable": "distributed", "distributed._tensor": "distributed.tensor", "distributed._composable.fsdp": "distributed.fsdp", "distributed._tensor.experimental": "distributed.tensor", "distributed.device_mesh": "distributed.tensor",
    "distributed.fsdp.fully_sharded_data_parallel": "distributed.fsdp", "distributed.tensor.experimental": "distributed.tensor", "jit.annotations": "jit", "fx.experimental": "fx", "fx.experimental.proxy_tensor": "fx",
    "nn.modules.channelshuffle": "nn.modules.vision", "nn.modules.fold": "nn.modules.vision",
    "nn.modules.instancenorm": "nn.modules.batchnorm", "nn.modules.pixelshuffle": "nn.modules.vision", "nn.modules.upsampling": "nn.modules.vision",
    "nn.parallel.data_parallel": "nn.parallel", "nn.parallel.distributed": "nn.parallel", "nn.parallel.scatter_gather": "nn.parallel", "nn.utils.convert_parameters": "nn.utils.vectors",
    "profiler.profiler": "profiler",
    "utils._foreach_utils": "foreach", "utils.model_zoo": "hub", "utils.data._utils.collate": "utils.data.collate", "utils.data._utils.worker": "utils.data.worker",
}
_NO_COMPILER = "{0} is not here: there is no compiler, and a model does not leave Python. Run it as it is, or keep its weights with torch.save."
_REFUSED = {  # what programs import and seldom use: why it is refused
    "torch.distributed": ONE_PROCESS, "torch.export": _NO_COMPILER.format("torch.export"), "torch._inductor": _NO_COMPILER.format("torch._inductor"),
    "torch.utils.data.datapipes": "torch.utils.data.datapipes is not here: PyTorch has given data pipes up. Write a Dataset or an IterableDataset.",
    "torch.nested": "torch.nested is not here: every tensor has one size. Pad with torch.nn.utils.rnn.pad_sequence, and give the layers a mask.",
}
_active: AsTorch | None = None


def as_torch(without: Iterable[str] = ()) -> AsTorch:
    """From here on, `import torch` and `from torch.… import …` in this process give this library.

    Args:
        without: modules that are not here and that the program imports all the same, "torchvision" for instance. It goes on, and
            only what it takes from such a module is refused, at its first use.

    Returns:
        What takes it back: `undo()`, or the end of a `with` block.

    Raises:
        RuntimeError: if the real PyTorch is loaded already.

    >>> import autodiff_lab as lab
    >>> with lab.as_torch():
    ...     import torch
    ...     torch.ones(2) is not None and torch.nn is lab.nn
    True
    """
    global _active
    if _active is None:
        loaded = sys.modules.get("torch")
        if loaded is not None:
            raise RuntimeError(f"PyTorch itself is loaded already, from {getattr(loaded, '__file__', 'somewhere')}. Two libraries cannot have one name: "
                               "call as_torch() before anything imports torch, in a fresh process or after a restart of the kernel.")
        _active = AsTorch()
    _active.finder.without.update(without)
    return _active


class AsTorch:
    """`torch` means this library, until `undo()` or the end of the `with` block."""

    def __init__(self):
        self.finder = _Finder()
        sys.meta_path.insert(0, self.finder)
        library = sys.modules[_LIBRARY]
        # Packages find out by it whose tensors they were given.
        library.Tensor.__module__, library.nn.Parameter.__module__ = "torch", "torch.nn.parameter"

    def undo(self) -> None:
        """`torch` means nothing again, or PyTorch itself where it is installed."""
        global _active
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            library = sys.modules[_LIBRARY]
            library.Tensor.__module__, library.nn.Parameter.__module__ = f"{_LIBRARY}.core.tensor", f"{_LIBRARY}.nn.parameter"
        for name in [name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")]:  # torchvision holds on to its torch
            del sys.modules[name]
        if _active is self:
            _active = None

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<import torch gives {_LIBRARY} in this process; undo() takes it back>"


class _Torch(types.ModuleType):
    """The module `torch`: names that are asked for are looked up in the library, once."""

    def __getattr__(self, name: str):
        found = importlib.import_module(f"torch.{name}") if f"torch.{name}" in _REFUSED else getattr(sys.modules[_LIBRARY], name)
        if not name.startswith("__"):
            self.__dict__[name] = found
        return found

    def __dir__(self):
        return sorted({*self.__dict__, *dir(sys.modules[_LIBRARY])})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `torch` and everything below it in the library, and says a clear sentence about PyTorch's companions."""

    def __init__(self):
        self.without: set[str] = set()

    def find_spec(self, name: str, path=None, target=None):
        top = name.partition(".")[0]
        if top in _COMPANIONS or top in self.without:
            local = importlib.machinery.PathFinder.find_spec(name, path)
            if local is not None and local.origin and not {"site-packages", "dist-packages"} & set(Path(local.origin).parts):
                return _vision(local)  # a module of the program's own by that name
            if local is not None and top == "torchvision" and top not in self.without:
                return _vision(local)
            if local is None and sys._getframe(2).f_code.co_name == "find_spec":
                return None  # importlib.util.find_spec, by which packages ask whether another is there
            if top in self.without:
                return importlib.machinery.ModuleSpec(name, _Nothing(), origin="left out", is_package=True)
            raise ModuleNotFoundError(f"No module named '{name}' here: {_COMPANIONS[top]} {_GOING_ON.format(top)}", name=name)
        if top != "torch":
            return None
        if name == "torch":
            return importlib.machinery.ModuleSpec(name, self, origin=_LIBRARY, is_package=True)
        own = _own_module(name)
        for path, words in _REFUSED.items():
            if own is None and (name + ".").startswith(path + "."):
                own = refused_module(name, words)
        if own is None:
            raise ModuleNotFoundError(f"No module named '{name}': if PyTorch has it, Autodiff Lab does not yet.", name=name)
        return importlib.machinery.ModuleSpec(name, self, origin=_LIBRARY, loader_state=own, is_package=hasattr(own, "__path__") or any(path.startswith(name.removeprefix("torch.") + ".") for path in _ELSEWHERE))

    def create_module(self, spec):
        if spec.name == "torch":
            made = _Torch("torch", sys.modules[_LIBRARY].__doc__)
            made.__path__ = []
            made.torch = made  # PyTorch's module contains its own name, and programs write torch.torch.Tensor
            made.__version__ = f"{like}+lab{sys.modules[_LIBRARY].__version__}"
            return made
        found = spec.loader_state
        self._kept = (found.__spec__, found.__loader__)
        return found

    def exec_module(self, module) -> None:
        if not isinstance(module, _Torch):  # the import system wrote its notes about `torch.…` into the library's own module
            module.__spec__, module.__loader__ = self._kept


class _Nothing(importlib.abc.Loader):
    """Makes modules in which every name is there and none can be used."""

    def create_module(self, spec):
        return _LeftOut(spec.name)

    def exec_module(self, module) -> None:
        pass


class _LeftOut(types.ModuleType):
    """A module that the program goes on without: its names can be imported and carried about, and are refused when used."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__dict__.setdefault(name, _LeftOut(f"{self.__name__}.{name}"))

    def __call__(self, *args, **kwargs):
        raise ModuleNotFoundError(f"{self.__name__} is not here: the program was started without {self.__name__.partition('.')[0]}.", name=self.__name__)

    __mro_entries__ = __iter__ = __len__ = __getitem__ = __instancecheck__ = __call__


def _vision(spec):
    """Torchvision as it is installed. Where it would blame its installation for missing operators, the reason is given instead."""
    if spec.name in _BLAMES:
        run, (function, instead) = spec.loader.exec_module, _BLAMES[spec.name]

        def refuse():
            raise RuntimeError(f"This function of torchvision is compiled against PyTorch, and cannot run here. {instead}")

        def exec_module(module):
            run(module)
            setattr(module, function, refuse)

        spec.loader.exec_module = exec_module
    return spec


def _own_module(name: str) -> types.ModuleType | None:
    """The library's module for one of PyTorch: the one of the same place, or what stands under its name."""
    own = name.removeprefix("torch.")
    own = _ELSEWHERE.get(own, own)
    if own in _NOT_OURS:
        return None
    try:
        if importlib.util.find_spec(f"{_LIBRARY}.{own}") is not None:
            return importlib.import_module(f"{_LIBRARY}.{own}")
    except ModuleNotFoundError:
        pass
    found = sys.modules[_LIBRARY]
    for part in own.split("."):
        found = getattr(found, part, None)
    return found if isinstance(found, types.ModuleType) else None
