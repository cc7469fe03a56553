"""Mixed precision: `autocast` runs products in sixteen bits, `GradScaler` keeps small gradients of float16 from becoming 0.

NumPy has no fast arithmetic in sixteen bits, so that nothing is gained by it on a processor but the numbers that PyTorch gives.
"""

from __future__ import annotations

from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available
from .grad_scaler import GradScaler

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]
