"""Modules that PyTorch spreads over several devices. Here there is one: they run the module that they wrap."""

from __future__ import annotations

from .modules.module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


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
