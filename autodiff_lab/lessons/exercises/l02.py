"""02, Tensors I: creation, dtypes, devices."""

from __future__ import annotations

import numpy as np

from ...core import dtypes
from ...core.op import public
from ..checking import NothingYet, NotYet, exercise
from ..judging import array, call, same, same_number

torch = public[""]
float32, float64, int64 = (dtypes.of_name(name) for name in ("float32", "float64", "int64"))


@exercise("02-1", hints=["`torch.arange(start, end, step)`; the end itself is left out.", "`.reshape(3, 4)` makes three rows of four."], praise="Row by row: that is the order in which the numbers lie in memory.")
def table(answer):
    right = np.arange(0, 120, 10).reshape(3, 4)
    got = array(answer)
    if got.size != 12:
        raise NotYet(f"12 numbers are asked for, and there are {got.size}. Remember that `arange` leaves the end out.")
    same(answer, right, what="the table", mistakes=[(np.arange(0, 120, 10).reshape(4, 3).T, "the numbers run down the columns. Row by row is meant."), (right.reshape(-1), "the numbers are right. Now `.reshape(3, 4)`.")])


@exercise("02-2", hints=["There are 256 numbers, and after 255 it starts again from 0.", "300 - 256."], praise="300 - 256: it goes round like a clock.")
def overflow(answer):
    same_number(answer, 44, {300: "300 does not fit into one byte.", 255: "it does not stop at the largest number. It goes round.", 45: "after 255 comes 0, not 1.", 43: "there are 256 numbers from 0 to 255."}, tolerance=1e-6)


@exercise("02-3", hints=["A float beats an integer. `/` always gives a float.", "`d` is 0-dimensional and of the same category as `f`, so it follows. `h` is a whole tensor, so the wider one wins."],
          praise="Category first; then a single number follows the tensor.")
def promotion(kinds):
    if not isinstance(kinds, dict):
        raise NotYet("keep the dict, and put a dtype in place of each `...`.")
    reasons = {"i + f": (float32, "a float beats an integer, and the float here is float32."), "i / 2": (float32, "`/` divides as floats do, whatever comes in: 1 / 2 is 0.5."),
               "i * 2": (int64, "two integers: the result stays one."), "f + d": (float32, "`d` is a 0-dimensional tensor of the same category: it follows the tensor."),
               "f + h": (float64, "`h` is a whole tensor of doubles: nothing is lost, the wider one wins.")}
    for name, (right, reason) in reasons.items():
        got = kinds.get(name, ...)
        if got is ... or got is None:
            raise NothingYet(f"`{name}` is still open.")
        if isinstance(got, str):
            raise NotYet(f"`{name}`: write the dtype itself, `torch.float32`, without quotes.")
        if got is not right and got != right:
            raise NotYet(f"`{name}`: {reason}")


@exercise("02-4", hints=["One of the two copied the array before it was changed.", "`from_numpy` looks at the array's own memory; `torch.tensor` never does."], praise="`torch.tensor` copied, `from_numpy` shares.")
def sharing(in_copied, in_shared):
    same_number(in_copied, 1.0, {100.0: "`torch.tensor(array)` made a copy, before the array was changed."}, tolerance=1e-6)
    same_number(in_shared, 100.0, {1.0: "`from_numpy` does not copy: what is written into the array is seen here."}, tolerance=1e-6)


@exercise("02-5", hints=["`.float()` converts to float32. `.requires_grad_()` asks for gradients, afterwards.", "`.float()` of a float32 tensor gives back *the same* tensor: copy first, with `.clone()`, and let go of its history with `.detach()`.",
                         "`torch.tensor(values)` copies a list or an array. For a tensor: `values.detach().clone()`. Then `.float().requires_grad_()`."],
          praise="A leaf of its own: a copy, float32, asking for gradients.")
def parameter(function):
    source = np.array([1.5, 2.5])
    history = torch["tensor"]([1.0, 2.0], requires_grad=True) * 2
    plain = torch["tensor"]([3.0, 4.0])
    for values, expected, shown in (([1, 2, 3], [1, 2, 3], "[1, 2, 3]"), (source, [1.5, 2.5], "a NumPy array"), (torch["tensor"]([4, 5]), [4, 5], "an integer tensor"), (plain, [3, 4], "a float32 tensor"),
                                    (history, [2, 4], "a tensor with a history")):
        got = call(function, values, shown=shown)
        same(got, np.array(expected, float), what=f"the tensor made of {shown}")
        if got.dtype is not float32 and got.dtype != float32:
            raise NotYet(f"made of {shown} it is {got.dtype}, and should be torch.float32.")
        if not got.requires_grad:
            raise NotYet(f"made of {shown} it does not ask for gradients.")
        if not got.is_leaf:
            raise NotYet(f"made of {shown} it is no leaf: it still has a history. Ask for gradients last, and `detach()` what has one.")
        if got is values or (isinstance(values, np.ndarray) and np.shares_memory(values, got.detach().numpy())) or (values is plain and np.shares_memory(plain.numpy(), got.detach().numpy())):
            raise NotYet(f"made of {shown} it is not new: it shares its memory with what came in. Copy.")
    if plain.requires_grad:
        raise NotYet("the tensor that came in was changed: it asks for gradients now.")


@exercise("02-6", hints=["0 … 16 divided by 8 is 0 … 2. And then?", "`.float()` first. `.unsqueeze(0)` puts a dimension of 1 in front."], praise="Ready for a network: float32, centred, in a batch of one.")
def prepare(function):
    image = torch["arange"](64).reshape(8, 8) % 17
    before = array(image)
    got = call(function, image, shown="image")
    right = before / 8 - 1
    if array(got).shape == (8, 8):
        raise NotYet("the batch dimension is missing: shape (1, 8, 8).")
    same(got, right[None], what="the image", mistakes=[(before[None], "the numbers are still 0 to 16."), (before[None] / 16, "these go from 0 to 1. Asked for is -1 to 1."), (before[None] / 8, "these go from 0 to 2: subtract 1.")])
    if got.dtype != float32:
        raise NotYet(f"it is {got.dtype}, and should be torch.float32.")
    if not np.array_equal(array(image), before):
        raise NotYet("the image that came in was changed. Compute without `_` at the end of a method's name.")
