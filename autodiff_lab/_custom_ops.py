"""Older names of what `library` has, which packages still import."""

from __future__ import annotations

from .library import custom_op, get_ctx, impl, infer_schema
from .library import register_fake as impl_abstract

__all__ = ["custom_op", "get_ctx", "impl", "impl_abstract", "infer_schema"]
