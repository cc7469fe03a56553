"""The modes of recording under the module where PyTorch has them."""

from __future__ import annotations

from ..core.modes import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]


class set_multithreading_enabled:
    """Accepted, at once or as a `with` block: the backward pass runs in the thread that asks for it."""

    def __init__(self, mode: bool):
        self.mode = mode

    def __enter__(self) -> None: ...

    def __exit__(self, *exception) -> None: ...

    def clone(self) -> set_multithreading_enabled:
        """Another one with the same mode."""
        return set_multithreading_enabled(self.mode)
