"""Counts the multiplications and additions of matrix products and convolutions, forward and backward, by module.

As in PyTorch on the processor: a product of (M, K) and (K, N) counts 2·M·K·N, everything else counts nothing, the fused
attention and recurrent kernels among it.
"""

from __future__ import annotations

import math
import weakref
from collections import defaultdict

from ..core import observe
from ..core.tensor import Tensor

__all__ = ["FlopCounterMode"]


def _product(a, b) -> tuple[str, int] | None:
    """The count of `a @ b`; None for products with vectors, which are not counted."""
    if a.ndim < 2 or b.ndim < 2:
        return None
    name = "aten.mm" if a.ndim == b.ndim == 2 else "aten.bmm"
    if b.ndim == 2:
        return "aten.mm", 2 * math.prod(a.shape) * b.shape[-1]
    batch = math.prod(_broadcast(a.shape[:-2], b.shape[:-2]))
    return name, 2 * batch * a.shape[-2] * a.shape[-1] * b.shape[-1]


def _broadcast(a, b) -> list:
    long, short = (a, b) if len(a) >= len(b) else (b, a)
    short = (1,) * (len(long) - len(short)) + tuple(short)
    return [max(x, y) for x, y in zip(long, short, strict=True)]


def _forward(op, inputs, output) -> tuple[str, int] | None:
    """What an operator counts: its name in PyTorch, and how much."""
    short = op.name.rsplit(".", 1)[-1]
    if short == "linear":
        x, weight, bias = inputs
        return "aten.mm" if bias is None else "aten.addmm", 2 * math.prod(x.shape) * weight.shape[0]
    if short in ("matmul", "mm", "bmm"):
        return _product(inputs[0], inputs[1])
    if short in ("addmm", "baddbmm"):
        found = _product(inputs[1], inputs[2])
        return None if found is None else (f"aten.{short}", found[1])
    if short.startswith("conv"):
        x, weight = inputs[0], inputs[1]
        swept = x if "transpose" in short else output
        batch = x.shape[0] if x.ndim == weight.ndim else 1
        return "aten.convolution", 2 * batch * math.prod(weight.shape) * math.prod(swept.shape[2 - (x.ndim < weight.ndim):])
    return None


BACKWARD = {"aten.addmm": "aten.mm", "aten.mm": "aten.mm", "aten.bmm": "aten.bmm", "aten.baddbmm": "aten.bmm", "aten.convolution": "aten.convolution_backward"}


class FlopCounterMode(observe.Observer):
    """Counts what runs inside.

    Args:
        mods: accepted; every module is followed.
        depth: how deep the modules of the table go.
        display: print the table at the end.

    >>> import autodiff_lab as lab
    >>> from autodiff_lab.utils.flop_counter import FlopCounterMode
    >>> with FlopCounterMode(display=False) as counter:
    ...     _ = lab.nn.Linear(10, 20)(lab.ones(4, 10))
    >>> counter.get_total_flops()
    1600
    """

    careful = True

    def __init__(self, mods=None, depth: int = 2, display: bool = True, custom_mapping=None):
        if custom_mapping:
            raise NotImplementedError("custom_mapping is not here: formulas for operators of one's own are not asked for.")
        self.depth, self.display = depth, display
        self.flop_counts: dict = defaultdict(lambda: defaultdict(int))

    def __enter__(self):
        self.flop_counts.clear()
        self._modules: list = []  # (path, module) of those that run now
        self._nodes: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        observe.attach(self)
        return self

    def __exit__(self, *exception) -> None:
        observe.detach(self)
        if self.display:
            print(self.get_table(self.depth))

    # ---- what observers are told ----

    def module_entered(self, module, args):
        path = type(module).__name__
        if self._modules:
            above, parent = self._modules[-1]
            path = next((f"{above}.{name}" for name, child in parent.named_modules() if child is module and name), path)
        self._modules.append((path, module))

    def module_left(self, module, output, error):
        self._modules.pop()

    def op_ran(self, op, inputs, output):
        found = _forward(op, inputs, output)
        if found is None or not isinstance(output, Tensor):
            return
        paths = [*(path for path, _ in self._modules), "Global"]
        self._count(paths, *found)
        if output._node is not None:
            groups = inputs[0].shape[-inputs[1].ndim + 1] // inputs[1].shape[1] if found[0] == "aten.convolution" and "transpose" not in op.name else 1
            self._nodes[output._node] = (paths, *found, groups)

    def grad_flowed(self, node, grad, contributions):
        known = self._nodes.get(node)
        if known is None:
            return
        paths, name, flops, groups = known
        wanted = [i for i, (edge, c) in enumerate(zip(node.edges, contributions, strict=False)) if edge is not None and c is not None]
        factors = {"aten.addmm": (0, 1), "aten.mm": (0, 1), "aten.bmm": (0, 1), "aten.convolution": (0, 1), "aten.baddbmm": (1, 2)}[name]
        if node.op.name.rsplit(".", 1)[-1] == "addmm":
            factors = (1, 2)
        for i in wanted:
            if i in factors:  # PyTorch counts the gradient of a grouped convolution's weight as if there were no groups
                self._count(paths, BACKWARD[name], flops * (groups if i == 1 else 1))

    def _count(self, paths, name: str, flops: int) -> None:
        for path in paths:
            self.flop_counts[path][name] += int(flops)

    # ---- what it found ----

    def get_total_flops(self) -> int:
        """All of them."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self) -> dict:
        """By module and operator."""
        return {path: dict(counts) for path, counts in self.flop_counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """By module and operator as text, the modules down to `depth`."""
        depth, total = self.depth if depth is None else depth, self.get_total_flops()
        power = max(0, min(4, (len(str(total)) - 2) // 3))

        def rows_of(path: str, indent: int) -> list:
            counts = self.flop_counts[path]
            return [[" " * indent + name, f"{flops / 1000 ** power:.3f}{['', 'K', 'M', 'B', 'T'][power]}", f"{flops / total:.2%}" if total else "0%"]
                    for name, flops in [(path, sum(counts.values())), *((f" - {name}", flops) for name, flops in counts.items())]]

        paths = sorted(path for path in self.flop_counts if path != "Global" and path.count(".") < depth)
        rows = [row for path in paths for row in rows_of(path, path.count("."))]
        if total and not any(sum(self.flop_counts[path].values()) >= total for path in paths):
            rows = rows_of("Global", 0) + [[f" {row[0]}", *row[1:]] for row in rows]
        rows = rows or [["Global", "0", "0%"]]
        heads = ["Module", "FLOP", "% Total"]
        widths = [max(len(head) + 2, *(len(row[i]) for row in rows)) for i, head in enumerate(heads)]
        lines = [heads, ["-" * width for width in widths], *rows]
        return "\n".join("  ".join([line[0].ljust(widths[0]), line[1].rjust(widths[1]), line[2].rjust(widths[2])]) for line in lines)
