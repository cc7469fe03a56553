"""Quantization: its marks in a model are here and change nothing, as in PyTorch before a conversion; to convert is refused."""

from __future__ import annotations

from ..nn.modules.module import Module

__all__ = ["DeQuantStub", "QuantStub", "QuantWrapper"]


class QuantStub(Module):
    """Marks where numbers would become 8-bit integers; gives its input back."""

    def __init__(self, qconfig=None):
        super().__init__()
        if qconfig:
            self.qconfig = qconfig

    def forward(self, x):
        return x


class DeQuantStub(QuantStub):
    """Marks where 8-bit integers would become numbers; gives its input back."""


class QuantWrapper(Module):
    """A module between the two marks."""

    def __init__(self, module: Module):
        super().__init__()
        qconfig = getattr(module, "qconfig", None)
        self.add_module("quant", QuantStub(qconfig))
        self.add_module("dequant", DeQuantStub(qconfig))
        self.add_module("module", module)
        self.train(module.training)

    def forward(self, X):
        return self.dequant(self.module(self.quant(X)))


def _refused(*args, **kwargs):
    """Refused: there is no arithmetic in 8-bit integers here.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("Quantization is not here: this library has no arithmetic in 8-bit integers, and rounding would change results. Keep the model in float32.")


convert = prepare = prepare_qat = quantize = quantize_dynamic = quantize_qat = fuse_modules = fuse_modules_qat = _refused
QConfig = get_default_qconfig = get_default_qat_qconfig = get_default_qconfig_mapping = _refused
