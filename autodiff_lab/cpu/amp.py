"""The older names of `amp`, for the processor."""

from __future__ import annotations

from .. import amp as _amp
from ..core.dtypes import bfloat16, dtype
from ..core.errors import caution

__all__ = ["GradScaler", "autocast"]


class autocast(_amp.autocast):
    """`amp.autocast("cpu", …)`."""

    def __init__(self, enabled: bool = True, dtype: dtype | None = bfloat16, cache_enabled: bool = True):
        caution("`torch.cpu.amp.autocast(args...)` is deprecated. Please use `torch.amp.autocast('cpu', args...)` instead.", FutureWarning)
        super().__init__("cpu", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(_amp.GradScaler):
    """`amp.GradScaler("cpu", …)`."""

    def __init__(self, init_scale: float = 2.0**16, growth_factor: float = 2.0, backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True):
        caution("`torch.cpu.amp.GradScaler(args...)` is deprecated. Please use `torch.amp.GradScaler('cpu', args...)` instead.", FutureWarning)
        super().__init__("cpu", init_scale=init_scale, growth_factor=growth_factor, backoff_factor=backoff_factor, growth_interval=growth_interval, enabled=enabled)
