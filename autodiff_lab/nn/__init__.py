"""Neural networks: modules with parameters, the same layers as functions, initialisation, utilities."""

from __future__ import annotations

from ..core.op import give_home, public
from . import attention, functional, init, modules, parallel, parameter, quantized, utils
from .modules import *
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

vars(functional).update(public["nn.functional"])  # also what the modules added
give_home("nn.functional", functional.__name__)

__all__ = ["Buffer", "DataParallel", "Parameter", "UninitializedBuffer", "UninitializedParameter", "attention", "functional", "init", "modules", "parallel", "parameter", "quantized", "utils"]
__all__ += modules.__all__
