"""03, Tensors II: shapes, slices, broadcasting, matmul."""

from __future__ import annotations

import numpy as np

from ...core.op import public
from ..checking import NothingYet, NotYet, exercise
from ..judging import array, call, same, same_shape

torch = public[""]


def judge_shapes(answers, expected: dict, reasons: dict) -> None:
    """Each entry of a dict of shapes, or the word "error"."""
    if not isinstance(answers, dict):
        raise NotYet("keep the dict, and put a shape in place of each `...`.")
    for name, right in expected.items():
        got = answers.get(name, ...)
        if got is ... or got is None:
            raise NothingYet(f"`{name}` is still open.")
        if right == "error":
            if got != "error":
                raise NotYet(f"`{name}`: {reasons[name]}")
        elif got == "error":
            raise NotYet(f"`{name}` fits. {reasons[name]}")
        else:
            try:
                same_shape(got, right)
            except NotYet as reason:
                raise NotYet(f"`{name}`: {reason if not isinstance(got, tuple | list) else reasons[name]}") from None


@exercise("03-1", hints=["An integer takes its dimension away. A slice keeps it, even if only one entry is left.", "`...` stands for all dimensions that are not named."], praise="An integer removes, a slice keeps, None adds.")
def shapes(answers):
    judge_shapes(answers, {"x[0]": (3, 4), "x[:, 1]": (2, 4), "x[:, 1:2]": (2, 1, 4), "x[..., -1]": (2, 3), "x[0, :, None]": (3, 1, 4)},
                 {"x[0]": "0 takes the first dimension away, the other two stay.", "x[:, 1]": "`:` keeps the first dimension, 1 takes the second away.", "x[:, 1:2]": "a slice keeps its dimension, here with size 1.",
                  "x[..., -1]": "-1 takes the *last* dimension away.", "x[0, :, None]": "0 takes one away, `None` adds a 1 behind the rows, and the last dimension follows."})


@exercise("03-2", hints=["Slices, reshapes of something that lies in order, and transposes are views.", "A list of indices copies. Arithmetic always makes something new. `m.T` laid out in one row must move its numbers."], praise="Slice, transpose and reshape look; lists, arithmetic and clone copy.")
def views(names):
    if isinstance(names, str) or not isinstance(names, list | tuple | set):
        raise NotYet('a list of names is asked for, such as ["a", "b"].')
    for name, reason in (("b", "`b` was picked with a list of indices: that copies, even if it picks everything."), ("e", "in `e` the transposed numbers had to be laid out in another order: a copy."), ("f", "`f` is a copy: that is what `clone` is for."),
                         ("g", "`g` is a result of arithmetic, which is always new.")):
        if name in names:
            raise NotYet(reason)
    if set(names) - set("acdh"):
        raise NotYet("there are only the names a to h.")
    for name, reason in (("a", "a slice is missing: it begins further on in the same memory."), ("c", "a reshape is missing: these numbers lie in order, so another shape is enough."), ("d", "a transpose is missing: it only exchanges the strides."),
                         ("h", "a column is missing: a stride of 3 walks down it, nothing is copied.")):
        if name not in names:
            raise NotYet(reason)


@exercise("03-3", hints=["`torch.ones(N, 1)` is the column. N is `X.shape[0]`.", "`torch.cat([X, column], dim=1)`."], praise="The bias is a weight whose input is always 1.")
def with_ones(function):
    for n, d in ((3, 2), (2, 4)):
        X = torch["arange"](n * d).float().reshape(n, d)
        right = np.concatenate([array(X), np.ones((n, 1))], 1)
        got = call(function, X, shown="X")
        same(got, right, what="the result", mistakes=[(np.concatenate([np.ones((n, 1)), array(X)], 1), "the ones stand in front. They belong behind."), (np.concatenate([array(X), np.zeros((n, 1))], 1), "the new column is 0.")])


@exercise("03-4", hints=["Write the two shapes one below the other, flush right.", "A missing place counts as 1."], praise="Flush right, equal or 1.")
def broadcasting(answers):
    judge_shapes(answers, {"(5, 1) + (6)": (5, 6), "(4, 3) + (4)": "error", "(4, 3) + (4, 1)": (4, 3), "(8, 1, 2) + (3, 1)": (8, 3, 2)},
                 {"(5, 1) + (6)": "the 1 stands above the 6 and is stretched; above the 5 nothing is missing.", "(4, 3) + (4)": "flush right, 3 meets 4. Neither is 1.", "(4, 3) + (4, 1)": "the 1 below the 3 is stretched.",
                  "(8, 1, 2) + (3, 1)": "flush right: 2 meets 1, 1 meets 3, 8 meets nothing."})


@exercise("03-5", hints=["`A[:, None, :]` has shape (n, 1, d), `B[None, :, :]` has shape (1, m, d). What shape has their difference?", "Square it, then sum over the last dimension."], praise="(n, 1, d) met (1, m, d): every row with every row.")
def distances(function):
    for n, m, d in ((3, 2, 4), (2, 5, 3)):
        A, B = torch["arange"](n * d).float().reshape(n, d) / 3, 1 - torch["arange"](m * d).float().reshape(m, d) / 2
        a, b = array(A), array(B)
        full = (a[:, None] - b[None]) ** 2
        same(call(function, A, B, shown="A, B"), full.sum(-1), what="the table", mistakes=[(full.sum(-1).T, "the table is transposed: rows of A go down, rows of B go across."), (np.sqrt(full.sum(-1)), "these are distances. The squared ones are asked for: leave the root out."),
                           (full.mean(-1), "the mean over the coordinates was taken. It is the sum."), (full, "each coordinate still stands alone: sum over the last dimension."), ((a[:, None] - b[None]).sum(-1), "the square is missing."),
                           (full.sum(-1) * 0 + full.sum(), "summed over everything.")])


@exercise("03-6", hints=["Make three dimensions i, j, k: A has i and j, B has j and k.", "`A[:, :, None] * B[None, :, :]` has shape (i, j, k). Over which one is summed?"], praise="A product for every i, j, k, summed over j. BLAS does the same without ever storing the cube.")
def product(function):
    for n, m, p in ((2, 3, 4), (3, 2, 2)):
        A, B = torch["arange"](n * m).float().reshape(n, m) - 2, torch["arange"](m * p).float().reshape(m, p) / 2 + 1
        cube = array(A)[:, :, None] * array(B)[None]
        same(call(function, A, B, shown="A, B"), cube.sum(1), what="the product", mistakes=[(cube.sum(0), "summed over i. It is j, the one in the middle, that must disappear."), (cube.sum(2), "summed over k. It is j, the one in the middle, that must disappear."),
                           (cube, "the cube is right. Now sum over j."), (cube.mean(1), "the mean was taken. It is the sum.")])
