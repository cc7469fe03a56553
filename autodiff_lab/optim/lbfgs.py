"""L-BFGS: a quasi-Newton method that remembers the last steps, with an optional strong Wolfe line search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..backend import namespace
from ..core.modes import enable_grad
from ..core.tape import Version
from ..core.tensor import Tensor, wrap
from .optimizer import Optimizer, check_at_least_zero, check_tensor_lr, number

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Each `step(closure)` makes up to `max_iter` quasi-Newton steps; `closure` computes the loss and calls backward().

    All parameters are one vector, so there can be only one group.

    Args:
        lr: first step length; the step length itself without a line search.
        max_iter, max_eval: most steps, and most calls of the closure, per step().
        tolerance_grad, tolerance_change: stop when the gradient, or the change, gets this small.
        history_size: how many steps are remembered.
        line_search_fn: None or "strong_wolfe".

    Source: Nocedal and Wright (2006), Numerical optimization, algorithms 7.4, 3.5 and 3.6.

    >>> import autodiff_lab as lab
    >>> w = lab.tensor([3.0, -4.0], requires_grad=True)
    >>> optimizer = lab.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (w - 1).square().sum()
    ...     loss.backward()
    ...     return loss
    >>> _ = optimizer.step(closure)
    >>> w.detach().round()  # to the last digit it depends on the machine
    tensor([1., 1.])
    """

    def __init__(self, params, lr=1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9,
                 history_size: int = 100, line_search_fn: str | None = None):
        check_tensor_lr(lr)
        check_at_least_zero(lr=lr)
        super().__init__(params, {"lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                                  "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
                                  "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self) -> list:
        return self.param_groups[0]["params"]

    # ---- all parameters as one vector ----

    def _gradient(self):
        pieces = [_real(namespace(p._a).zeros_like(p._a) if p._grad is None else p._grad._a).reshape(-1) for p in self._params]
        return namespace(pieces[0]).concatenate(pieces)

    def _move(self, direction, length: float) -> None:
        start = 0
        for p in self._params:
            array = _real(p._array())
            array += (length * direction[start:start + array.size]).reshape(array.shape)
            start += array.size
            if p._ver is None:
                p._ver = Version()
            p._ver.bump()

    def _evaluate(self, closure, start, direction, length: float):
        """Loss and gradient at `length` along `direction`; the parameters come back to where they were."""
        self._move(direction, length)
        loss = _number(closure())
        gradient = self._gradient()
        for p, array in zip(self._params, start, strict=True):
            p._array()[...] = array
            p._ver.bump()
        return loss, gradient

    # ---- one step ----

    def step(self, closure):
        """Minimize along up to `max_iter` directions; returns the loss from before.

        Args:
            closure: sets the gradients to zero, computes the loss, calls backward() and returns the loss.
        """
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        lr, max_iter, max_eval = number(group["lr"]), group["max_iter"], group["max_eval"]
        small_gradient, small_change = group["tolerance_grad"], group["tolerance_change"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss = closure()
        loss, evaluations = _number(first_loss), 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if _largest(gradient) <= small_gradient:
            return first_loss
        memory = _Memory(state, group["history_size"])
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            direction = memory.direction(gradient)
            memory.gradient, memory.loss = gradient.copy(), loss
            length = min(1.0, 1.0 / float(abs(gradient).sum())) * lr if state["n_iter"] == 1 else lr
            slope = float(gradient @ direction)
            memory.length = length
            if slope > -small_change:
                break
            calls = 0
            if group["line_search_fn"] is not None:
                start = [p._array().copy() for p in self._params]
                search = _LineSearch(lambda t: self._evaluate(closure, start, direction, t), direction,  # noqa: B023 - called at once
                                     loss, gradient, slope, max_eval - evaluations)
                loss, gradient, length, calls = search.run(length)
                self._move(direction, length)
            else:
                self._move(direction, length)
                if iteration != max_iter:  # with noise in the loss there is no use in evaluating it for nothing
                    loss, gradient, calls = _number(closure()), self._gradient(), 1
            memory.length = length
            evaluations += calls
            state["func_evals"] += calls
            if (evaluations >= max_eval or _largest(gradient) <= small_gradient or _largest(direction) * abs(length) <= small_change
                    or abs(loss - memory.loss) < small_change):
                break
        memory.store(state)
        return first_loss


def _real(array):
    """Complex numbers as pairs of real ones, in the same memory."""
    return array.view(array.real.dtype) if array.dtype.kind == "c" and array.ndim else array


def _number(loss) -> float:
    """The loss that a closure returned, whether a tensor with its history or a number."""
    return loss.item() if isinstance(loss, Tensor) else float(loss)


def _largest(vector) -> float:
    return float(abs(vector).max())


class _Memory:
    """The last steps, and what they tell about the curvature; kept in the state between calls."""

    def __init__(self, state: dict, size: int):
        self.size = size
        self.changes = [t._a for t in state.get("old_dirs") or []]  # of the gradient
        self.steps = [t._a for t in state.get("old_stps") or []]
        self.weights = [number(r) for r in state.get("ro") or []]
        self.scale = number(state.get("H_diag", 1))
        self.last = state["d"]._a if isinstance(state.get("d"), Tensor) else None
        self.length = number(state.get("t"))
        self.gradient = state["prev_flat_grad"]._a if isinstance(state.get("prev_flat_grad"), Tensor) else None
        self.loss = state.get("prev_loss")

    def direction(self, gradient):
        """Minus the gradient times the estimated inverse of the curvature (the two-loop recursion)."""
        if self.last is None:
            self.last = -gradient
            return self.last
        change, step = gradient - self.gradient, self.last * self.length
        agreement = float(change @ step)
        if agreement > 1e-10:
            if len(self.changes) == self.size:
                del self.changes[0], self.steps[0], self.weights[0]
            self.changes.append(change)
            self.steps.append(step)
            self.weights.append(1.0 / agreement)
            self.scale = agreement / float(change @ change)
        q = -gradient
        self.alphas = [0.0] * len(self.changes)
        for i in reversed(range(len(self.changes))):
            self.alphas[i] = float(self.steps[i] @ q) * self.weights[i]
            q = q - self.alphas[i] * self.changes[i]
        q = q * self.scale
        for i in range(len(self.changes)):
            beta = float(self.changes[i] @ q) * self.weights[i]
            q = q + (self.alphas[i] - beta) * self.steps[i]
        self.last = q
        return q

    alphas: list | None = None

    def store(self, state: dict) -> None:
        """Write everything into `state`, in PyTorch's terms."""
        kind = self.last.dtype.type
        if self.alphas is not None:
            state["al"] = [wrap(kind(a)) for a in self.alphas] + [None] * (self.size - len(self.alphas))
        state.update(d=wrap(self.last), t=self.length, old_dirs=[wrap(c) for c in self.changes], old_stps=[wrap(s) for s in self.steps],
                     ro=[wrap(kind(r)) for r in self.weights], H_diag=wrap(kind(self.scale)) if self.weights else 1,
                     prev_flat_grad=wrap(self.gradient), prev_loss=self.loss)


@dataclass
class _Point:
    """A place on the line: how far, and loss, gradient and slope there."""

    t: float
    loss: float
    gradient: Any
    slope: float


class _LineSearch:
    """Finds a length that lowers the loss enough and flattens the slope enough (the strong Wolfe conditions)."""

    ENOUGH_LOWER, ENOUGH_FLATTER, NARROW = 1e-4, 0.9, 1e-9

    def __init__(self, evaluate, direction, loss: float, gradient, slope: float, calls: int):
        self.evaluate, self.direction, self.most = evaluate, direction, calls
        self.start = _Point(0.0, loss, gradient, slope)
        self.calls = 0

    def at(self, t: float) -> _Point:
        loss, gradient = self.evaluate(t)
        self.calls += 1
        return _Point(t, loss, gradient, float(gradient @ self.direction))

    def is_too_high(self, point: _Point) -> bool:
        return point.loss > self.start.loss + self.ENOUGH_LOWER * point.t * self.start.slope

    def is_flat(self, point: _Point) -> bool:
        return abs(point.slope) <= -self.ENOUGH_FLATTER * self.start.slope

    def run(self, t: float):
        """Loss, gradient and length where the search ended, and how many calls it took."""
        found = self.bracket(t)
        if isinstance(found, _Point):
            best = found
        else:
            best = min(self.zoom(*found), key=lambda point: point.loss)
        return best.loss, best.gradient, best.t, self.calls

    def bracket(self, t: float):
        """A good point, or two points with one between them; steps get longer until one of these is found."""
        before, point = self.start, self.at(t)
        for i in range(self.most):
            if self.is_too_high(point) or (i > 1 and point.loss >= before.loss):
                return before, point, i
            if self.is_flat(point):
                return point
            if point.slope >= 0:
                return before, point, i
            t = _cubic_minimum(before, point, point.t + 0.01 * (point.t - before.t), point.t * 10)
            before, point = point, self.at(t)
        return self.start, point, self.most

    def zoom(self, one: _Point, other: _Point, tries: int):
        """Narrow the bracket until one end is good; returns both ends, the lower one first if losses are equal."""
        low, high = (one, other) if one.loss <= other.loss else (other, one)
        stuck = False
        while tries < self.most:
            left, right = sorted((low.t, high.t))
            if (right - left) * _largest(self.direction) < self.NARROW:
                break
            t = _cubic_minimum(one, other, left, right)
            margin = 0.1 * (right - left)
            if min(right - t, t - left) < margin:  # close to an end: tolerated once
                if stuck or t >= right or t <= left:
                    t = right - margin if abs(t - right) < abs(t - left) else left + margin
                    stuck = False
                else:
                    stuck = True
            else:
                stuck = False
            point = self.at(t)
            tries += 1
            first_is_low = one is low
            if self.is_too_high(point) or point.loss >= low.loss:
                one, other = (low, point) if first_is_low else (point, low)
                low, high = (one, other) if one.loss <= other.loss else (other, one)
                continue
            if self.is_flat(point):
                low = point
                break
            if point.slope * (high.t - low.t) >= 0:
                high = low
            low = point
            one, other = (low, high) if first_is_low else (high, low)
        return low, high


def _cubic_minimum(a: _Point, b: _Point, least: float, most: float) -> float:
    """Where the cubic through two points with their slopes is smallest, kept within the bounds."""
    if a.t == b.t:
        return (least + most) / 2
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    if a.t > b.t:
        a, b = b, a
    d2 = math.sqrt(square)
    divisor = b.slope - a.slope + 2 * d2
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor) if divisor else math.nan
    return min(max(t, least), most) if t == t else (least + most) / 2
