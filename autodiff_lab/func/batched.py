"""One run of a function on all samples of a `vmap`: a tensor that looks like that of one sample, and what functions make of it.

A `Batched` has all samples in `whole`, along its first dimension, and shows the shape of one. Functions find it by
`__torch_function__`, look for a rule in `batching_rules` and run on `whole` with dimensions shifted. A function that is composed of
others runs as it is, on the Batched. What has neither goes sample by sample, and its results are stacked. There is no array behind a Batched itself: code that
reaches for one fails, and `vmap` then runs the whole function once per sample.
"""

from __future__ import annotations

from ..core.op import public
from ..core.tensor import Tensor
from ..utils._pytree import tree_flatten, tree_leaves, tree_unflatten
from .levels import AllSamples, state

__all__ = ["Batched", "Unruled"]

_all = public[""]


class Unruled(Exception):
    """A rule does not know this form of the call: it goes sample by sample."""


class Batched(AllSamples, Tensor):
    """The tensor of one sample, for a function that runs on all."""

    @staticmethod
    def of(whole: Tensor, level: int) -> Batched:
        """All samples, along the first dimension of `whole`, as one."""
        made = object.__new__(Batched)
        made.whole, made.level = whole, level
        return made

    def __iter__(self):
        return iter(self.unbind(0))

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        from .batching_rules import rules

        kwargs = kwargs or {}
        level = max(each.level for each in tree_leaves((args, kwargs)) if isinstance(each, Batched))
        rule = rules().get(func)
        if rule is not None:
            try:
                return rule(func, level, args, kwargs)
            except Unruled:
                return _one_by_one(func, level, args, kwargs)
        if getattr(func, "op", None) is None and "inner" in getattr(func, "__dict__", ()):
            try:
                return func.inner(*args, **kwargs)
            except AttributeError:
                pass  # it reached for an array
        return _one_by_one(func, level, args, kwargs)


def _one_by_one(func, level: int, args, kwargs):
    """`func` on each sample, the results stacked. Of a function that writes in place, the tensor it was given."""
    flat, spec = tree_flatten((tuple(args), kwargs))
    results = []
    for k in range(state.sizes[level - 1]):
        args_k, kwargs_k = tree_unflatten([v.whole.select(0, k) if isinstance(v, Batched) and v.level == level else v for v in flat], spec)
        results.append(func(*args_k, **kwargs_k))
    if getattr(func, "__name__", "").endswith("_") and not func.__name__.endswith("__"):
        if not isinstance(args[0], Batched) or results[0].shape != args[0].shape:
            raise Unruled  # what was written to is the same for all, or has another shape now
        return args[0]
    columns = zip(*(tree_leaves(result) for result in results), strict=True)
    if not all(isinstance(each, Tensor) for each in tree_leaves(results[0])):
        raise Unruled
    return tree_unflatten([Batched.of(_all["stack"](list(column)), level) for column in columns], tree_flatten(results[0])[1])
