"""What registering a hook gives back, under PyTorch's name, and marks of hooks that are not saved with their tensor."""

from __future__ import annotations

import warnings

from ..core.tape import Handle as RemovableHandle

__all__ = ["RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


def unserializable_hook(f):
    """Mark a hook as one that nobody expects to be saved."""
    f.__torch_unserializable__ = True
    return f


def warn_if_has_hooks(tensor) -> None:
    """Warn that the hooks of a tensor are not saved with it, unless they are marked.

    >>> import autodiff_lab as lab
    >>> lab.utils.hooks.warn_if_has_hooks(lab.ones(1))
    """
    for hook in (tensor._x.hooks if tensor._x is not None else {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, you can decorate the function with "
                          "@torch.utils.hooks.unserializable_hook to suppress this warning", stacklevel=2)
