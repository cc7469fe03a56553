"""Special functions under PyTorch's names; see ops/special_functions.py."""

from ..core.op import public

globals().update(public["special"])
__all__ = list(public["special"])
