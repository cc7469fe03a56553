"""Intel's GPUs: not used here."""

from __future__ import annotations

__all__ = ["current_device", "device_count", "empty_cache", "is_available", "is_initialized", "manual_seed", "manual_seed_all", "synchronize"]


def is_available() -> bool:
    """False."""
    return False


is_initialized = is_bf16_supported = is_available


def device_count() -> int:
    """0."""
    return 0


def current_device() -> int:
    """Refused: there is none."""
    raise RuntimeError("torch.xpu is not here: this library computes on the processor, and on CUDA devices by CuPy. Ask torch.xpu.is_available() first.")


def manual_seed(seed: int) -> None:
    """Accepted."""


manual_seed_all = manual_seed


def synchronize(device=None) -> None:
    """Nothing to wait for."""


def empty_cache() -> None:
    """Nothing to give back."""
