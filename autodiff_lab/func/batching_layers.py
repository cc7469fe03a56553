"""Rules of `vmap` for layers and losses; see batching_rules.py."""

from __future__ import annotations

from ..core.tensor import Tensor
from .batched import Batched, Unruled
from .batching_rules import by_name, is_mine, only_first, rule, whole_of, wrapped

__all__: list[str] = []


@rule("nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d conv1d conv2d conv3d")
def convolution(func, level, args, kwargs):
    given = dict(zip(("input", "weight", "bias", "stride", "padding", "dilation", "groups"), args, strict=False)) | kwargs
    input, weight, bias = given.pop("input"), given.pop("weight"), given.pop("bias", None)
    d, groups = weight.ndim - 2, given.pop("groups", 1)
    lone = input.ndim == d + 1
    if is_mine(weight, level):  # each sample is a group of its own
        whole = whole_of(input, level)
        whole = whole.unsqueeze(1) if lone else whole
        B, N, C, *size = whole.shape
        found = func(whole.movedim(0, 1).reshape((N, B * C, *size)), weight.whole.flatten(0, 1), None, groups=B * groups, **given)
        found = found.reshape((N, B, -1, *found.shape[2:])).movedim(1, 0)
    elif lone:
        found = func(input.whole, weight, None, groups=groups, **given).unsqueeze(1)
    else:
        B, N = input.whole.shape[:2]
        found = func(input.whole.flatten(0, 1), weight, None, groups=groups, **given)
        found = found.reshape((B, N, *found.shape[1:]))
    found = Batched.of(found.squeeze(1) if lone else found, level)
    return found if bias is None else found + bias.reshape((-1, *(1,) * d))


def of_images(d: int):
    """The rule of a function of (N, C, *size) or (C, *size) with `d` sizes: samples are more images."""
    def each(func, level, args, kwargs):
        whole = only_first(args, kwargs, level)
        if whole.ndim == d + 2:
            return wrapped(func(whole, *args[1:], **kwargs), level)
        if whole.ndim != d + 3 or not whole.shape[0] or not whole.shape[1]:
            raise Unruled
        found = func(whole.flatten(0, 1), *args[1:], **kwargs)
        apart = [v.reshape((*whole.shape[:2], *v.shape[1:])) for v in (found if isinstance(found, tuple) else (found,))]
        return wrapped(tuple(apart), level) if isinstance(found, tuple) else wrapped(apart[0], level)
    return each


for _d in (1, 2, 3):
    by_name[" ".join(f"nn.functional.{name}{_d}d" for name in ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool", "conv_transpose"))] = of_images(_d)
by_name["nn.functional.unfold"] = of_images(2)


@rule("nn.functional.interpolate nn.functional.upsample")
def interpolate(func, level, args, kwargs):
    return of_images(args[0].ndim - 2)(func, level, args, kwargs)


@rule("nn.functional.pad constant_pad_nd")
def pad(func, level, args, kwargs):
    whole = only_first(args, kwargs, level)
    given = dict(zip(("pad", "mode" if func.__name__ == "pad" else "value", "value"), args[1:], strict=False)) | kwargs
    if given.get("mode", "constant") == "constant" and len(given["pad"]) < 2 * whole.ndim:
        return wrapped(func(whole, *args[1:], **kwargs), level)
    return of_images(len(given["pad"]) // 2)(func, level, args, kwargs)


@rule("nn.functional.layer_norm nn.functional.rms_norm")
def norm_of_last(func, level, args, kwargs):
    names = ("input", "normalized_shape", "weight", "bias", "eps") if func.__name__ == "layer_norm" else ("input", "normalized_shape", "weight", "eps")
    given = dict(zip(names, args, strict=False)) | kwargs
    found = wrapped(func(given["input"].whole, given["normalized_shape"], **({"eps": given["eps"]} if "eps" in given else {})), level) if is_mine(given["input"], level) else \
        func(given["input"], given["normalized_shape"], **({"eps": given["eps"]} if "eps" in given else {}))
    found = found if given.get("weight") is None else found * given["weight"]
    return found if given.get("bias") is None else found + given["bias"]


@rule("nn.functional.group_norm")
def group_norm(func, level, args, kwargs):
    given = dict(zip(("input", "num_groups", "weight", "bias", "eps"), args, strict=False)) | kwargs
    input = given["input"]
    if not is_mine(input, level) or not input.whole.numel():
        raise Unruled
    whole = input.whole
    found = func(whole.flatten(0, 1), given["num_groups"], None, None, given.get("eps", 1e-5)).reshape(whole.shape)
    found, across = Batched.of(found, level), (-1, *(1,) * (input.ndim - 2))
    found = found if given.get("weight") is None else found * given["weight"].reshape(across)
    return found if given.get("bias") is None else found + given["bias"].reshape(across)


@rule("nn.functional.batch_norm nn.functional.instance_norm")
def norm_of_channels(func, level, args, kwargs):
    names = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    given = dict(zip(names, args, strict=False)) | kwargs
    input, batch = given["input"], func.__name__ == "batch_norm"
    training = given.get("training", False) if batch else given.get("use_input_stats", True)
    if not is_mine(input, level) or input.ndim < 2 or not input.whole.numel() or training and given.get("running_mean") is not None:
        raise Unruled
    whole = input.whole
    B, N, C, *size = whole.shape
    eps, across = given.get("eps", 1e-5), (-1, *(1,) * len(size))
    if not training:
        mean, var = (given[name].reshape(across) for name in ("running_mean", "running_var"))
        found = (input - mean) * (var + eps).rsqrt()
    else:  # the channels of every sample are channels of their own
        found = func(whole.movedim(0, 1).reshape((N, B * C, *size)), None, None, None, None, True, 0.1, eps)
        found = Batched.of(found.reshape((N, B, C, *size)).movedim(1, 0), level)
    found = found if given.get("weight") is None else found * given["weight"].reshape(across)
    return found if given.get("bias") is None else found + given["bias"].reshape(across)


# ---- losses ----

def _reduced(losses, reduction: str):
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()


@rule("nn.functional.mse_loss nn.functional.l1_loss nn.functional.smooth_l1_loss nn.functional.huber_loss nn.functional.binary_cross_entropy nn.functional.binary_cross_entropy_with_logits "
      "nn.functional.kl_div")
def loss_of_elements(func, level, args, kwargs):
    if len(args) > 2 or kwargs.get("size_average") is not None or kwargs.get("reduce") is not None:
        raise Unruled
    kwargs = dict(kwargs)
    reduction = kwargs.pop("reduction", "mean")
    if reduction not in ("none", "mean", "sum"):
        raise Unruled
    names = ("input", "target")
    input, target = (args[i] if len(args) > i else kwargs.pop(name) for i, name in enumerate(names))
    if input.shape != target.shape or input.dtype is not target.dtype or any(isinstance(v, Tensor) for v in kwargs.values()):
        raise Unruled
    return _reduced(wrapped(func(whole_of(input, level), whole_of(target, level), reduction="none", **kwargs), level), reduction)


@rule("nn.functional.cross_entropy nn.functional.nll_loss")
def loss_of_classes(func, level, args, kwargs):
    kwargs = dict(kwargs)
    reduction = kwargs.pop("reduction", "mean")
    if len(args) != 2 or set(kwargs) - {"label_smoothing"} or reduction not in ("none", "mean", "sum"):
        raise Unruled
    input, target = (whole_of(v, level) for v in args)
    probabilities = target.dtype.is_floating_point
    if not probabilities and bool((target < 0).any()):
        raise Unruled  # the mean would leave those out
    if args[0].ndim == 1:
        losses = func(input, target, reduction="none", **kwargs)
    else:
        B, N = input.shape[:2]
        losses = func(input.flatten(0, 1), target.flatten(0, 1), reduction="none", **kwargs)
        losses = losses.reshape((B, N, *losses.shape[1:]))
    if probabilities and reduction == "mean":  # over rows
        return wrapped(losses.flatten(1).mean(1) if losses.ndim > 1 else losses, level)
    return _reduced(wrapped(losses, level), reduction) if losses.ndim > 1 else wrapped(losses, level)
