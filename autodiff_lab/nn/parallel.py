"""Modules that PyTorch spreads over several devices. Here there is one: they run the module that they wrap."""

from __future__ import annotations

from .modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel", "gather", "replicate", "scatter"]


class DataParallel(Module):
    """Runs `module`, which is what PyTorch's does on a machine without GPUs. Names in its state dict begin with "module.".

    >>> import autodiff_lab as lab
    >>> lab.nn.DataParallel(lab.nn.Linear(2, 1))(lab.zeros(3, 2)).shape
    torch.Size([3, 1])
    """

    def __init__(self, module: Module, device_ids=None, output_device=None, dim: int = 0):
        super().__init__()
        self.module, self.device_ids = module, []

    def forward(self, *inputs, **kwargs):
        """What the module makes of the inputs."""
        return self.module(*inputs, **kwargs)


class DistributedDataParallel(Module):
    """Refused: this library trains in one process.

    Raises:
        RuntimeError: always.
    """

    def __init__(self, module: Module, *args, **kwargs):
        raise RuntimeError("DistributedDataParallel needs a process group, and this library trains in one process: use the module itself.")


def data_parallel(module: Module, inputs, device_ids=None, output_device=None, dim: int = 0, module_kwargs=None):
    """What the module makes of the inputs, on the one device there is."""
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


def scatter(inputs, target_gpus, dim: int = 0) -> list:
    """The inputs for each device: all of them for the one there is."""
    return [inputs]


def gather(outputs, target_device, dim: int = 0):
    """The outputs of the one device there is."""
    return outputs[0]


def replicate(network: Module, devices, detach: bool = False) -> list:
    """The module for each device: itself for the one there is."""
    return [network]
