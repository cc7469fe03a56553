"""07, nn.Module, parameters and Linear."""

from __future__ import annotations

import numpy as np

from ... import nn
from ...core.op import public
from ..checking import NothingYet, NotYet, exercise
from ..judging import array, call, same, same_number

torch = public[""]


def made(cls, *arguments, shown: str):
    """An instance of the learner's class."""
    if not isinstance(cls, type) or not issubclass(cls, nn.Module):
        raise NotYet("a class is asked for that is built on nn.Module.")
    return call(cls, *arguments, shown=shown)


@exercise("07-1", hints=["W1 has 16·2 numbers, b1 has 16, …", "Both weights and both biases."], praise="Every one of them gets a gradient in each step.")
def count(answer):
    same_number(answer, 82, {64: "the biases learn too.", 4: "that is how many tensors there are. How many numbers are in them?", 66: "b1 is missing.", 80: "b2 is missing."}, tolerance=1e-6)


@exercise("07-2", hints=["In `__init__`: `self.weight = nn.Parameter(torch.randn(n_out, n_in))`, and a bias likewise.", "In `forward`: `x @ self.weight.T + self.bias`. The transpose turns (out, in) into (in, out)."], praise="That is the whole of nn.Linear, but for how it chooses its start values.")
def my_linear(cls):
    layer = made(cls, 3, 2, shown="3, 2")
    named = dict(layer.named_parameters())
    if not named and not hasattr(layer, "weight"):
        raise NothingYet("`MyLinear(3, 2)` has no parameters so far. Make them in `__init__`.")
    for name, shape in (("weight", (2, 3)), ("bias", (2,))):
        if name not in named:
            if hasattr(getattr(layer, name, None), "shape"):
                raise NotYet(f"`self.{name}` is a tensor, but no `nn.Parameter`: the module does not know that it should learn.")
            raise NotYet(f"there is no parameter named `{name}` after `MyLinear(3, 2)`.")
        if tuple(named[name].shape) != shape:
            raise NotYet(f"`{name}` has shape {tuple(named[name].shape)} and should have {shape}" + (": out first, then in." if tuple(named[name].shape) == shape[::-1] and len(shape) == 2 else "."))
    if set(named) != {"weight", "bias"}:
        raise NotYet(f"there are more parameters than weight and bias: {', '.join(sorted(set(named) - {'weight', 'bias'}))}.")
    if len({round(v, 6) for v in array(named["weight"]).ravel()}) < 3:
        raise NotYet("all weights begin with the same number. Then all units stay the same for ever: begin with random ones.")
    wide = made(cls, 400, 100, shown="400, 100")
    spread = float(array(wide.weight).std()) * 20
    if not 0.4 < spread < 1.3:
        raise NotYet(f"for 400 inputs your weights have a spread of {spread / 20:.3g}, so the outputs are {spread:.2g} times as large as the inputs. Divide by the root of n_in: `torch.randn(n_out, n_in) / n_in ** 0.5`.")
    if np.abs(array(wide.bias)).max() > 1:
        raise NotYet("the bias begins with large numbers. 0 is a good start.")
    layer.load_state_dict({"weight": torch["tensor"]([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]), "bias": torch["tensor"]([10.0, -20.0])})
    x = torch["tensor"]([[1.0, 1.0, 1.0], [0.0, 2.0, -1.0]])
    product = array(x) @ np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]).T
    same(call(layer, x, shown="x"), product + np.array([10.0, -20.0]), what="the output", mistakes=[(product, "the bias is missing in `forward`."), (product - np.array([10.0, -20.0]), "the bias is subtracted.")])


@exercise("07-3", hints=["Which attributes of `deep` are modules or parameters, and which is only a list?", "A module does not look into a plain list. What is left is `self.head`, a Linear with two tensors."], praise="Only the head's weight and bias.")
def found(answer):
    same_number(answer, 2, {8: "that is how many there are. Three of the layers stand in a plain Python list.", 1: "the head has a weight and a bias.", 0: "`self.head` is a module, and is found.", 18: "tensors are counted, not numbers.", 4: "that is the number of layers."}, tolerance=1e-6)


@exercise("07-4", hints=["The layers stand in a list that the module cannot see. There is a list that it can.", "`nn.ModuleList([...])` around the same list."], praise="8 tensors, and the optimizer hears of all of them.")
def repaired(cls):
    for depth in (3, 2):
        model = made(cls, depth, shown=str(depth))
        names = [name for name, _ in model.named_parameters()]
        if len(names) == 2:
            raise NotYet("`parameters()` still finds only the head. A plain list is invisible to a module: there is a list that is not.")
        if len(names) != 2 * depth + 2:
            raise NotYet(f"`parameters()` finds {len(names)} tensors for depth {depth}. {depth} layers and a head have {2 * depth + 2}.")
        x = torch["arange"](16).float().reshape(2, 8) / 8 - 1
        out = call(model, x, shown="x")
        if tuple(out.shape) != (2, 2):
            raise NotYet(f"for an input of shape (2, 8) the output has shape {tuple(out.shape)}, not (2, 2).")
        if not hasattr(model, "layers") or not hasattr(model, "head"):
            raise NotYet("keep the names `layers` and `head`.")
        h = x
        for layer in model.layers:
            h = torch["relu"](layer(h))
        same(out, model.head(h), what="the output")
    if len(list(made(cls, shown="").parameters())) != 8:
        raise NotYet("without an argument the depth should be 3, as before.")


@exercise("07-5", hints=["Walk over `model.named_parameters()`.", "`p.requires_grad_(True or False)`; `name.startswith(prefix)` says which."], praise="What is frozen gets no gradient, and the optimizer leaves it alone.")
def freeze(function):
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3), nn.Linear(3, 1))
    for prefix in ("3", "0."):
        got = call(function, model, prefix, shown=f"model, {prefix!r}")
        if got is not model:
            raise NotYet("return the model itself.")
        for name, p in model.named_parameters():
            if p.requires_grad and not name.startswith(prefix):
                raise NotYet(f"with prefix {prefix!r}, `{name}` still learns.")
            if not p.requires_grad and name.startswith(prefix):
                raise NotYet(f"with prefix {prefix!r}, `{name}` is frozen, and should learn" + (" (it was frozen by an earlier call: thaw it)." if prefix == "0." else "."))


@exercise("07-6", hints=["Are the tensors in `state` copies, or the module's own?", "The module's own: what is written into them is written into the model."], praise="It is a second name for the same memory.")
def not_copied(answer):
    if isinstance(answer, str):
        raise NotYet("the state's tensors share their memory with the model's own: what is written there is seen here.")
    same_number(answer, 42.0, tolerance=1e-6)
