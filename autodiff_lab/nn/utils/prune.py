"""Pruning: weights set to zero by a mask, which a hook applies before every forward."""

from __future__ import annotations

import numbers

from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured", "RandomUnstructured",
           "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove"]


class BasePruningMethod:
    """Decides which numbers to prune: subclasses say `PRUNING_TYPE` and write `compute_mask`."""

    PRUNING_TYPE = "unstructured"
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """A mask for `t`: 1 to keep, 0 to prune."""
        raise NotImplementedError

    def __call__(self, module, inputs) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    def apply_mask(self, module) -> Tensor:
        """The pruned tensor."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask, original = getattr(module, self._tensor_name + "_mask"), getattr(module, self._tensor_name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(cls, module, name: str, *args, importance_scores: Tensor | None = None, **kwargs):
        """Prune the tensor `name` of a module; on a pruned one, the masks are combined."""
        method = cls(*args, **kwargs)
        method._tensor_name = name
        earlier = [(key, hook) for key, hook in module._forward_pre_hooks.items() if isinstance(hook, BasePruningMethod) and hook._tensor_name == name]
        if len(earlier) > 1:
            raise AssertionError(f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. Use a PruningContainer.")
        for key, hook in earlier:
            container = hook if isinstance(hook, PruningContainer) else PruningContainer(hook)
            container.add_pruning_method(method)
            del module._forward_pre_hooks[key]
            method = container
        original = getattr(module, name)
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        if not earlier:
            del module._parameters[name]
            module.register_parameter(name + "_orig", original)
            default = public[""]["ones_like"](original.detach())
        else:
            default = getattr(module, name + "_mask").detach().clone()
        try:
            mask = method.compute_mask(scores.detach(), default_mask=default)
        except Exception:
            if not earlier:
                del module._parameters[name + "_orig"]
                module.register_parameter(name, original)
            raise
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """The pruned version of a tensor."""
        scores = t if importance_scores is None else importance_scores
        default = public[""]["ones_like"](t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=default)

    def remove(self, module) -> None:
        """Make the pruning permanent."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.detach().data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several prunings of one tensor, one after the other."""

    def __init__(self, *args):
        self._pruning_methods: tuple = ()
        methods = args[0] if len(args) == 1 and not isinstance(args[0], BasePruningMethod) else args
        self._tensor_name = methods[0]._tensor_name
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one that works on the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, i):
        return self._pruning_methods[i]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method = self._pruning_methods[-1]
        if method.PRUNING_TYPE == "unstructured":
            kept = default_mask == 1
            part = method.compute_mask(t[kept], default_mask[kept])
            mask = default_mask.clone()
            mask[kept] = part.to(dtype=mask.dtype)
            return mask
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()
            others = [d for d in range(t.dim()) if d != dim]
            alive = (default_mask.sum(others) != 0).nonzero().flatten()
            part = method.compute_mask(t.index_select(dim, alive), default_mask.index_select(dim, alive))
            return default_mask.clone().index_copy_(dim, alive, part.to(dtype=default_mask.dtype))
        if method.PRUNING_TYPE == "global":
            return method.compute_mask(t, default_mask)
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")


class Identity(BasePruningMethod):
    """Prunes nothing, but makes mask and hook."""

    def compute_mask(self, t, default_mask):
        return default_mask


def _check_amount(amount) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if (isinstance(amount, numbers.Integral) and amount < 0) or (not isinstance(amount, numbers.Integral) and not 0.0 <= float(amount) <= 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount, n: int) -> int:
    """How many of `n` to prune."""
    if isinstance(amount, numbers.Integral):
        if amount > n:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={n}")
        return int(amount)
    return round(amount * n)


class RandomUnstructured(BasePruningMethod):
    """Prunes numbers at random; `amount` is a share or a number."""

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        n = _count(self.amount, t.nelement())
        mask = default_mask.clone()
        if n:
            chance = public[""]["rand_like"](t)
            mask.view(-1)[chance.view(-1).topk(n)[1]] = 0
        return mask


class L1Unstructured(BasePruningMethod):
    """Prunes the numbers nearest to zero."""

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t, default_mask):
        n = _count(self.amount, t.nelement())
        mask = default_mask.clone()
        if n:
            mask.view(-1)[t.abs().reshape(-1).topk(n, largest=False)[1]] = 0
        return mask


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def _without(self, t, default_mask, dropped):
        keep = public[""]["ones"](t.shape[self.dim], dtype=default_mask.dtype)
        keep[dropped] = 0
        shape = [1] * t.dim()
        shape[self.dim] = -1
        return default_mask * keep.reshape(shape)

    def _amount(self, t) -> int:
        if t.dim() <= 1:
            raise ValueError(f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {t.shape} with {t.dim()} dims")
        return _count(self.amount, t.shape[self.dim])


class RandomStructured(_Structured):
    """Prunes whole slices along `dim` at random."""

    def __init__(self, amount, dim: int = -1):
        _check_amount(amount)
        self.amount, self.dim = amount, dim

    def compute_mask(self, t, default_mask):
        n = self._amount(t)
        if not n:
            return default_mask
        chance = public[""]["rand"](t.shape[self.dim])
        return self._without(t, default_mask, chance.topk(n, largest=False)[1])


class LnStructured(_Structured):
    """Prunes the slices along `dim` with the smallest n-norm."""

    def __init__(self, amount, n, dim: int = -1):
        _check_amount(amount)
        self.amount, self.n, self.dim = amount, n, dim

    def compute_mask(self, t, default_mask):
        count = self._amount(t)
        if not count:
            return default_mask
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        norms = t.norm(p=self.n, dim=others)
        return self._without(t, default_mask, norms.topk(count, largest=False)[1])


class CustomFromMask(BasePruningMethod):
    """Prunes by a given mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def identity(module, name: str):
    """Make mask and hook without pruning."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name: str, amount):
    """Prune numbers at random.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Linear(4, 1)
    >>> _ = lab.nn.utils.prune.random_unstructured(m, "weight", amount=0.5)
    >>> int(m.weight_mask.sum())
    2
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name: str, amount, importance_scores=None):
    """Prune the numbers nearest to zero.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Linear(4, 1)
    >>> _ = lab.nn.utils.prune.l1_unstructured(m, "weight", amount=3)
    >>> int(m.weight_mask.sum())
    1
    """
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name: str, amount, dim: int):
    """Prune slices along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name: str, amount, n, dim: int, importance_scores=None):
    """Prune the slices along `dim` with the smallest n-norm.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Linear(2, 3)
    >>> _ = lab.nn.utils.prune.ln_structured(m, "weight", amount=1, n=2, dim=0)
    >>> m.weight_mask.sum(1).sort().values  # one row is gone
    tensor([0., 2., 2.])
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name: str, mask):
    """Prune by a given mask."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs) -> None:
    """Prune numbers of several tensors together; `parameters` are pairs of module and name.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Sequential(lab.nn.Linear(4, 4), lab.nn.Linear(4, 4))
    >>> prune = lab.nn.utils.prune
    >>> prune.global_unstructured([(m[0], "weight"), (m[1], "weight")], prune.L1Unstructured, amount=8)
    >>> int(m[0].weight_mask.sum() + m[1].weight_mask.sum())
    24
    """
    cat = public[""]["cat"]
    parameters = list(parameters)
    scores = importance_scores or {}
    relevant = cat([scores.get(pair, getattr(*pair)).detach().reshape(-1) for pair in parameters])
    defaults = cat([getattr(m, n + "_mask", public[""]["ones_like"](getattr(m, n).detach())).reshape(-1) for m, n in parameters])
    container = PruningContainer.__new__(PruningContainer)
    container._pruning_methods, container._tensor_name = (), "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container.add_pruning_method(method)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of type {method.PRUNING_TYPE}')
    mask = container.compute_mask(relevant, defaults)
    at = 0
    for module, name in parameters:
        n = getattr(module, name).numel()
        custom_from_mask(module, name, mask[at:at + n].reshape(tuple(getattr(module, name).shape)))
        at += n


def remove(module, name: str):
    """Make the pruning of a tensor permanent."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            hook.remove(module)
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module) -> bool:
    """True if anything inside is pruned.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Linear(4, 1)
    >>> _ = lab.nn.utils.prune.l1_unstructured(m, "weight", amount=3)
    >>> lab.nn.utils.prune.is_pruned(m)
    True
    """
    return any(isinstance(hook, BasePruningMethod) for _, inside in module.named_modules() for hook in inside._forward_pre_hooks.values())
