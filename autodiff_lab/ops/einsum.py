"""einsum: operands are permuted, reshaped and handed to one matrix product a pair."""

from __future__ import annotations

import math

from ..core.op import public
from .linear import matmul

__all__ = ["einsum"]


def einsum(equation, *operands):
    """Sums of products written as an equation, e.g. "bij,bjk->bik". Batches, traces and broadcasting included.

    Raises:
        RuntimeError: for an equation that does not fit the operands.

    >>> import autodiff_lab as lab
    >>> lab.einsum("ij,j->i", lab.ones(2, 3), lab.ones(3))
    tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _from_sublists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    inputs, output = _parse(equation, operands)
    terms = [_clean(x, letters) for x, letters in zip(operands, inputs, strict=True)]
    sizes: dict = {}
    for x, letters in terms:
        for letter, size in zip(letters, x.shape, strict=True):
            known = sizes.get(letter, 1)
            if size != 1 and known not in (1, size):
                raise RuntimeError(f"einsum(): subscript {_shown(letter)} has size {size} for operand {_operand_of(terms, x)} which does not broadcast with previously seen size {known}")
            sizes[letter] = max(known, size) if size else 0
    # An index of size 1 that stands against a longer one broadcasts: it is dropped from this operand.
    terms = [_drop(x, letters, [k for k in letters if x.shape[letters.index(k)] == 1 and sizes[k] != 1]) for x, letters in terms]
    while len(terms) > 1:
        (x, a), (y, b), *rest = terms
        needed = set(output).union(*(letters for _, letters in rest))
        terms = [_pair(_summed(x, a, needed | set(b)), _summed(y, b, needed | set(a)), needed), *rest]
    x, letters = _summed(*terms[0], set(output))
    missing = [k for k in output if k not in letters]
    for k in missing:
        x, letters = x.unsqueeze(-1), [*letters, k]
    x = x.permute([letters.index(k) for k in output])
    shape = [sizes[k] for k in output]
    return x if list(x.shape) == shape else x.expand(shape)


def _shown(letter) -> str:
    return letter if isinstance(letter, str) else f"... ({letter})"


def _operand_of(terms, x) -> int:
    return next(i for i, (each, _) in enumerate(terms) if each is x)


def _from_sublists(values):
    """The format einsum(x, [0, 1], y, [1, 2], [0, 2])."""
    def text(sub):
        return "".join("..." if s is Ellipsis else chr(ord("A") + s) if s < 26 else chr(ord("a") + s - 26) for s in sub)
    pairs = len(values) // 2
    operands = tuple(values[2 * i] for i in range(pairs))
    equation = ",".join(text(values[2 * i + 1]) for i in range(pairs))
    return (equation + "->" + text(values[-1]) if len(values) % 2 else equation), operands


def _parse(equation: str, operands):
    """Index names of each operand and of the result; "..." becomes numbered names, counted from the right."""
    equation = equation.replace(" ", "")
    left, arrow, right = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        more = "more" if len(inputs) < len(operands) else "fewer"
        raise RuntimeError(f"einsum(): {more} operands were provided than specified in the equation: {len(inputs)} in \"{equation}\", {len(operands)} given.")
    parsed, most = [], 0
    for i, (text, x) in enumerate(zip(inputs, operands, strict=True)):
        plain = text.replace("...", "", 1)
        if not all(c.isalpha() for c in plain):
            raise RuntimeError(f"einsum(): invalid subscript given at index {next(k for k, c in enumerate(plain) if not c.isalpha())} in the equation string, subscripts must be in [a-zA-Z]")
        dots = x.ndim - len(plain)
        if dots < 0 or (dots and "..." not in text):
            raise RuntimeError(f"einsum(): the number of subscripts in the equation ({len(plain)}) does not match the number of dimensions ({x.ndim}) for operand {i}"
                               + (" and no ellipsis was given" if "..." not in text else ""))
        most = max(most, dots)
        parsed.append((text, dots))
    def letters(text, dots):
        before, found, after = text.partition("...")
        return [*before, *(range(most - dots, most) if found else ()), *after]
    names = [letters(text, dots) for text, dots in parsed]
    if arrow:
        output = letters(right, most)
        for k in right.replace("...", ""):
            if right.count(k) > 1:
                raise RuntimeError(f"einsum(): output subscript {k} appears more than once in the output")
            if not any(k in n for n in names):
                raise RuntimeError(f"einsum(): output subscript {k} does not appear in the equation for any input operand")
    else:
        every = [k for n in names for k in n]
        output = [*range(most), *sorted(k for k in set(every) if isinstance(k, str) and every.count(k) == 1)]
    return names, output


def _clean(x, letters):
    """An operand with a repeated index replaced by its diagonal."""
    letters = list(letters)
    for k in dict.fromkeys(letters):
        while letters.count(k) > 1:
            first = letters.index(k)
            second = letters.index(k, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(f"einsum(): subscript {_shown(k)} is repeated for operand but the sizes don't match, {x.shape[second]} != {x.shape[first]}")
            x = x.diagonal(0, first, second)  # the diagonal becomes the last dimension
            letters = [m for i, m in enumerate(letters) if i not in (first, second)] + [k]
    return x, letters


def _drop(x, letters, gone):
    for k in gone:
        i = letters.index(k)
        x, letters = x.squeeze(i), letters[:i] + letters[i + 1:]
    return x, letters


def _summed(x, letters, needed):
    """The operand summed over the indices that nobody else needs."""
    alone = [i for i, k in enumerate(letters) if k not in needed]
    return (x.sum(tuple(alone)), [k for k in letters if k in needed]) if alone else (x, letters)


def _pair(one, two, needed):
    """Two operands contracted by one (batched) matrix product."""
    (x, a), (y, b) = one, two
    batch = [k for k in a if k in b and k in needed]
    inside = [k for k in a if k in b and k not in needed]
    left, right = [k for k in a if k not in b], [k for k in b if k not in a]
    size = {**dict(zip(b, y.shape, strict=True)), **dict(zip(a, x.shape, strict=True))}
    def product(keys):
        return math.prod(size[k] for k in keys)
    if not inside:  # nothing to contract: a broadcast product
        x = x.permute([a.index(k) for k in batch + left]).reshape([size[k] for k in batch + left] + [1] * len(right))
        y = y.permute([b.index(k) for k in batch + right]).reshape([size[k] for k in batch] + [1] * len(left) + [size[k] for k in right])
        return x * y, batch + left + right
    x = x.permute([a.index(k) for k in batch + left + inside]).reshape(product(batch), product(left), product(inside))
    y = y.permute([b.index(k) for k in batch + inside + right]).reshape(product(batch), product(inside), product(right))
    return matmul(x, y).reshape([size[k] for k in batch + left + right]), batch + left + right


public[""]["einsum"] = einsum
