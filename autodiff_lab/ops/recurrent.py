"""Recurrent layers, fused over time: one node for a whole sequence through one layer in one direction.

Sequences come as rows, all samples of the first step, then of the second, and so on. `sizes` says how many
samples each step has: the same number for a padded batch, ever fewer for a packed one. Samples are sorted by
length, so that step t has the first sizes[t] of them. R is the number of rows, B of samples, H of hidden units.

Products with the inputs are done for all steps at once; only the product with the state is done step by step.
"""

from __future__ import annotations

from itertools import accumulate

from ..backend import namespace
from ..backend.fast import sums
from ..backend.rows import whole_rows
from ..core.op import op, ops
from ..core.samples import calls
from ..core.tensor import Tensor
from .composed import gradients_through
from .patches import SMALL

__all__: list[str] = []

CHUNK = 1 << 14  # numbers of one gate worked on at a time: stays in the second-level cache with all that is made of them


def steps(sizes, reverse: bool):
    """(first row, end row, samples) of each step in the order in which they are taken."""
    order = [(end - n, end, n) for end, n in zip(accumulate(sizes), sizes, strict=True)]
    return order[::-1] if reverse else order


def states_before(output, first, sizes, reverse: bool):
    """For every row the state that its step started from: the output of the step taken before, or the initial state."""
    xp = namespace(output)
    before = xp.empty((output.shape[0], first.shape[1]), output.dtype)
    if sizes[0] == sizes[-1]:  # all samples are as long
        n = sizes[0]
        before[slice(-n, None) if reverse else slice(0, n)] = first
        before[slice(0, -n) if reverse else slice(n, None)] = output[slice(n, None) if reverse else slice(0, -n)]
        return before
    last = None
    for start, end, n in steps(sizes, reverse):
        kept = 0 if last is None else min(n, last[1] - last[0])
        if kept:
            before[start:start + kept] = output[last[0]:last[0] + kept]
        if kept < n:
            before[start + kept:end] = first[kept:n]
        last = (start, end)
    return before


def moved_on(state, new):
    """The state after a step that changed the first rows; all of them, usually, and then nothing is copied."""
    if new.shape[0] == state.shape[0]:
        return new
    state = state.copy()
    state[:new.shape[0]] = new
    return state


def projected(input, weight, bias):
    """`input @ weight.T + bias` for all rows."""
    xp = namespace(input)
    if bias is None:
        return xp.matmul(input, weight.T)
    # The bias as one more column of the weight saves a pass over the result.
    ones = xp.ones((len(input), 1), input.dtype)
    return xp.matmul(xp.concatenate((input, ones), 1), xp.concatenate((weight, bias[:, None]), 1).T)


class Products:
    """`rows @ matrix` for the same matrix in every step; a large one is cut into columns so that BLAS doesn't pack it each time.

    Called with (n, K) and memory for n * N numbers, writes (gates, n, N / gates) to its beginning and returns that.
    """

    def __init__(self, matrix, samples: int, gates: int = 1):
        K, N = matrix.shape
        xp = self.xp = namespace(matrix)
        self.shape = gates, N // gates
        width = next((w for w in (64, 32, 16) if N // gates % w == 0 and samples * K * w <= SMALL), N // gates)
        self.whole = samples * K * N <= SMALL
        self.parts = xp.ascontiguousarray(matrix if self.whole else matrix.reshape(K, gates, -1, width).transpose(1, 2, 0, 3))
        self.room = xp.empty((samples, N), matrix.dtype) if self.whole else None
        self.n = None

    def __call__(self, rows, into):
        gates, size = self.shape
        n = len(rows)
        found = into.reshape(-1)[:n * gates * size].reshape(gates, n, size)
        if not self.whole:
            self.xp.matmul(rows, self.parts, out=found.reshape(gates, n, *self.parts.shape[1::2]).swapaxes(1, 2))
        elif gates == 1:
            self.xp.dot(rows, self.parts, found[0])
        else:
            if n != self.n:
                self.n, self.made = n, self.room[:n]
                self.by_gate = self.made.reshape(n, gates, size).swapaxes(0, 1)
            self.xp.dot(rows, self.parts, self.made)
            found[...] = self.by_gate
        return found


def weight_gradients(d_input_side, d_state_side, input, before, needs):
    """Gradients of w_ih, w_hh, b_ih, b_hh from those of the two sums that they enter."""
    xp = namespace(input)
    to_bias = sums(d_input_side, 0) if needs[2] or needs[3] else None
    if d_state_side is not d_input_side:
        other = sums(d_state_side, 0) if needs[3] else None
    else:
        other = to_bias.copy() if needs[3] else None
    return (xp.matmul(d_input_side.T, input) if needs[0] else None, xp.matmul(d_state_side.T, before) if needs[1] else None, to_bias if needs[2] else None, other)


# ---- LSTM ----

def _weights(r, gates, I=3, H=4, P=0):
    out = P or H
    made = [r.normal(size=(gates * H, I)), r.normal(size=(gates * H, out)), r.normal(size=gates * H), r.normal(size=gates * H)]
    return made + ([r.normal(size=(P, H))] if P else [])


@op(category="linear", latex=r"c' = f c + i g,\quad h' = o \tanh c'", function=False, method=False, out=False, outputs=("output", "h", "c"), extras=("gates", "cells", "fed"), node_name="Lstm",
    samples=calls(lambda r: ((r.normal(size=(6, 3)), r.normal(size=(2, 4)), r.normal(size=(2, 4)), *_weights(r, 4), None, (2, 2, 2), False), {}),
                  lambda r: ((r.normal(size=(5, 3)), r.normal(size=(2, 2)), r.normal(size=(2, 4)), *_weights(r, 4, P=2), (2, 2, 1), True), {})))
def lstm_layer(input: Tensor, h0: Tensor, c0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, w_hr: Tensor | None, sizes, reverse: bool):
    """A sequence through one LSTM layer. Gates come in the order input, forget, cell, output; inside, the output gate is first.

    The gates that are kept lie step by step: (4, samples, H), one such array behind the other. `fed` has in each row what
    its step is fed with: the state before it, the input, and 1 for the bias; so there is one product in a step.
    """
    xp = namespace(input)
    (R, I), H, P = input.shape, c0.shape[1], h0.shape[1]
    weights = [w_hh, w_ih] if b_ih is None else [w_hh, w_ih, (b_ih + b_hh)[:, None]]
    weights = output_first(xp.concatenate(weights, 1))
    # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, so that one tanh serves all four gates.
    weights[:3 * H] *= 0.5
    fed = xp.empty((R, weights.shape[1]), input.dtype)
    fed[:, P:P + I] = input
    fed[:, P + I:] = 1
    product = Products(weights.T, len(c0), 4)
    gates = xp.empty((R, 4, H), input.dtype)
    cells = xp.empty((R, H), input.dtype)
    output = xp.empty((R, P), input.dtype)
    part = xp.empty_like(c0)
    # Few samples are usual: looking up a name or taking a Python number each time would cost as much as the arithmetic.
    tanh, multiply, add, half = xp.tanh, xp.multiply, xp.add, xp.full((), 0.5, input.dtype)
    h, c = h0, c0
    for start, end, n in steps(sizes, reverse):
        given, cell, out, new = fed[start:end], cells[start:end], output[start:end], part[:n]
        given[:, :P] = h[:n]
        now = product(given, gates[start:end])
        tanh(now, now)
        sigmoids = now[:3]
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        o, i, f, g = now
        multiply(f, c[:n], cell)
        multiply(i, g, new)
        add(cell, new, cell)
        tanh(cell, new)
        if w_hr is None:
            multiply(new, o, out)
        else:
            multiply(new, o, new)
            xp.matmul(new, w_hr.T, out=out)
        h, c = moved_on(h, out), moved_on(c, cell)
    return (output, h.copy(), c.copy()), gates, cells, fed


def output_first(gates):
    """Weights of the four gates, a copy with those of the output gate before the others."""
    H = len(gates) // 4
    return namespace(gates).concatenate((gates[3 * H:], gates[:3 * H]))


def output_last(gates):
    """The reverse of `output_first`."""
    H = len(gates) // 4
    return namespace(gates).concatenate((gates[H:], gates[:H]))


def composed_lstm(sizes, reverse: bool):
    def formula(input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr):
        H = c0.shape[1]
        rows = ops.nn.functional.linear(input, w_ih, b_ih)

        def step(x, states):
            h, c = states
            gates = x + ops.nn.functional.linear(h, w_hh, b_hh)
            i, f, o = gates[:, :H].sigmoid(), gates[:, H:2 * H].sigmoid(), gates[:, 3 * H:].sigmoid()
            c = f * c + i * gates[:, 2 * H:3 * H].tanh()
            h = o * c.tanh()
            return [h if w_hr is None else h.matmul(w_hr.t()), c]
        return _unrolled(rows, [h0, c0], sizes, reverse, step)
    return formula


def _unrolled(rows, states, sizes, reverse: bool, step) -> tuple:
    """The recurrence written with ordinary operators: output rows and final states."""
    outputs = {}
    for start, end, n in steps(sizes, reverse):
        new = step(rows[start:end], [s[:n] for s in states])
        outputs[start] = new[0]
        states = [fresh if n == s.shape[0] else ops.cat([fresh, s[n:]], 0) for fresh, s in zip(new, states, strict=True)]
    return ops.cat([outputs[k] for k in sorted(outputs)], 0), *states


@lstm_layer.vjp("input", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
def _(grads, input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse, gates, cells, fed, needs):
    if isinstance(grads[0], Tensor):
        return gradients_through(composed_lstm(sizes, reverse), (input, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr), grads)
    return ops.lstm_layer_backward(*grads, c0, w_ih, w_hh, w_hr, sizes, reverse, gates, cells, fed, needs)


@op(category="linear", function=False, method=False, outputs=tuple(f"grad_{n}" for n in ("input", "h0", "c0", "w_ih", "w_hh", "b_ih", "b_hh", "w_hr")),
    no_grad="its rule is taken through the composed formula")
def lstm_layer_backward(d_output: Tensor, d_h: Tensor, d_c: Tensor, c0: Tensor, w_ih: Tensor, w_hh: Tensor, w_hr: Tensor | None,
                        sizes, reverse: bool, gates: Tensor, cells: Tensor, fed: Tensor, needs):
    """Back through time."""
    xp = namespace(cells)
    (R, H), P, I = cells.shape, w_hh.shape[1], w_ih.shape[1]
    cells_before = states_before(cells, c0, sizes, reverse)
    d_gates = xp.empty((R, 4, H), cells.dtype)
    flat = d_gates.reshape(R, 4 * H)
    dh, dc = d_h.copy(), d_c.copy()
    part = xp.empty_like(dc)
    to_state = Products(output_first(w_hh), len(dh))
    projected_grad = None if w_hr is None else xp.empty((R, P), cells.dtype)
    ready = xp.empty((R, H), cells.dtype) if needs[7] and w_hr is not None else None
    backwards = steps(sizes, reverse)[::-1]
    multiply, add = xp.multiply, xp.add
    several = max(CHUNK // (H * sizes[0]), 1) if sizes[0] == sizes[-1] else 1
    for first in range(0, len(backwards), several):
        chunk = backwards[first:first + several]
        low, high, n = min(chunk[0][0], chunk[-1][0]), max(chunk[0][1], chunk[-1][1]), chunk[0][2]
        with whole_rows(n * H):
            # What each gate's gradient is a multiple of dc (or, for the output gate, of dh), for these steps at once.
            values = gates[low:high].reshape(-1, 4, n, H)
            o, i, f, g = (values[:, k] for k in range(4))
            squashed = xp.tanh(cells[low:high]).reshape(-1, n, H)
            if ready is not None:
                xp.multiply(o, squashed, out=ready[low:high].reshape(-1, n, H))
            factors = 1 - values
            factors[:, :3] *= values[:, :3]
            factors[:, 0] *= squashed
            factors[:, 1] *= g
            factors[:, 2] *= cells_before[low:high].reshape(-1, n, H)
            factors[:, 3] *= i + i * g
            squashed *= squashed
            through_tanh = xp.subtract(1, squashed, out=squashed)
            through_tanh *= o
        for start, end, _ in chunk:
            at = (start - low) // n
            now, cell, new, factor = dh[:n], dc[:n], part[:n], factors[at]
            add(now, d_output[start:end], now)
            if w_hr is not None:
                projected_grad[start:end] = now
                now = xp.matmul(now, w_hr)
            multiply(now, through_tanh[at], new)
            add(cell, new, cell)
            multiply(factor[0], now, factor[0])
            multiply(factor[1:], cell, factor[1:])
            d_gates[start:end] = factor.swapaxes(0, 1)  # the products, written to d_gates directly, would take twice as long
            multiply(cell, f[at], cell)
            to_state(flat[start:end], dh)
    to_hr = None if ready is None else xp.matmul(projected_grad.T, ready)
    of_weights = xp.matmul(flat.T, fed) if any(needs[3:7]) else None
    parts = (slice(P, P + I), slice(0, P), -1, -1)
    return (xp.matmul(flat, output_first(w_ih)) if needs[0] else None, dh, dc,
            *(output_last(of_weights[:, part]) if need else None for need, part in zip(needs[3:7], parts, strict=True)), to_hr)


# ---- GRU ----

@op(category="linear", latex=r"h' = (1 - z) n + z h", function=False, method=False, out=False, outputs=("output", "h"), extras=("gates", "states"), node_name="Gru",
    samples=calls(lambda r: ((r.normal(size=(6, 3)), r.normal(size=(2, 4)), *_weights(r, 3), (2, 2, 2), False), {}),
                  lambda r: ((r.normal(size=(5, 3)), r.normal(size=(2, 4)), *_weights(r, 3), (2, 2, 1), True), {})))
def gru_layer(input: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, sizes, reverse: bool):
    """A sequence through one GRU layer. Gates stand in the order reset, update, new."""
    xp = namespace(input)
    H = h0.shape[1]
    gates = projected(input, w_ih, b_ih)
    states = xp.empty((input.shape[0], H), input.dtype)  # what the reset gate is multiplied with
    output = xp.empty((input.shape[0], H), input.dtype)
    product, place = Products(w_hh.T, len(h0)), xp.empty((len(h0), 3 * H), input.dtype)
    h = h0
    for start, end, n in steps(sizes, reverse):
        now = gates[start:end]
        from_state = product(h[:n], place)[0]
        if b_hh is not None:
            from_state += b_hh
        rz = now[:, :2 * H]
        rz += from_state[:, :2 * H]
        rz *= 0.5
        xp.tanh(rz, out=rz)
        rz *= 0.5
        rz += 0.5
        states[start:end] = from_state[:, 2 * H:]
        new = now[:, 2 * H:]
        new += now[:, :H] * states[start:end]
        xp.tanh(new, out=new)
        out = output[start:end]
        xp.subtract(h[:n], new, out=out)
        out *= now[:, H:2 * H]
        out += new
        h = moved_on(h, out)
    return (output, h.copy()), gates, states


def composed_gru(sizes, reverse: bool):
    def formula(input, h0, w_ih, w_hh, b_ih, b_hh):
        H = h0.shape[1]
        rows = ops.nn.functional.linear(input, w_ih, b_ih)

        def step(x, states):
            h = states[0]
            y = ops.nn.functional.linear(h, w_hh, b_hh)
            r, z = (x[:, :H] + y[:, :H]).sigmoid(), (x[:, H:2 * H] + y[:, H:2 * H]).sigmoid()
            new = (x[:, 2 * H:] + r * y[:, 2 * H:]).tanh()
            return [new + z * (h - new)]
        return _unrolled(rows, [h0], sizes, reverse, step)
    return formula


@gru_layer.vjp("input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")
def _(grads, input, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, output, gates, states, needs):
    if isinstance(grads[0], Tensor):
        return gradients_through(composed_gru(sizes, reverse), (input, h0, w_ih, w_hh, b_ih, b_hh), grads)
    return ops.gru_layer_backward(*grads, input, h0, w_ih, w_hh, sizes, reverse, output, gates, states, needs)


@op(category="linear", function=False, method=False, outputs=tuple(f"grad_{n}" for n in ("input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")),
    no_grad="its rule is taken through the composed formula")
def gru_layer_backward(d_output: Tensor, d_h: Tensor, input: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, sizes, reverse: bool,
                       output: Tensor, gates: Tensor, states: Tensor, needs):
    """Back through time."""
    xp = namespace(input)
    R, H = output.shape
    r, z, new = (gates[:, k * H:(k + 1) * H] for k in range(3))
    before = states_before(output, h0, sizes, reverse)
    # What each gate's gradient is a multiple of dh, for all steps at once.
    to_new = (1 - z) * (1 - new * new)
    factors = xp.empty((R, 3, H), input.dtype)
    xp.multiply(to_new * states, r * (1 - r), out=factors[:, 0])
    xp.multiply(before - new, z * (1 - z), out=factors[:, 1])
    xp.multiply(to_new, r, out=factors[:, 2])
    d_state_side = xp.empty((R, 3, H), input.dtype)
    flat = d_state_side.reshape(R, 3 * H)
    incoming = xp.empty((R, H), input.dtype)
    dh = d_h.copy()
    to_state = Products(w_hh, len(dh))
    for start, end, n in reversed(steps(sizes, reverse)):
        now = incoming[start:end]
        xp.add(dh[:n], d_output[start:end], out=now)
        xp.multiply(factors[start:end], now[:, None], out=d_state_side[start:end])
        part = to_state(flat[start:end], dh)[0]
        part += now * z[start:end]
    d_input_side = d_state_side.copy()
    xp.multiply(incoming, to_new, out=d_input_side[:, 2])
    d_input_side = d_input_side.reshape(R, 3 * H)
    return (xp.matmul(d_input_side, w_ih) if needs[0] else None, dh, *weight_gradients(d_input_side, flat, input, before, needs[2:6]))


# ---- plain RNN ----

@op(category="linear", latex=r"h' = \tanh(W x + U h + b)", function=False, method=False, out=False, outputs=("output", "h"), node_name="Rnn",
    samples=calls(lambda r: ((r.normal(size=(6, 3)), r.normal(size=(2, 4)), *_weights(r, 1), (2, 2, 2), False, "tanh"), {}),
                  lambda r: ((r.normal(size=(5, 3)), r.normal(size=(2, 4)), *_weights(r, 1), (2, 2, 1), True, "relu"), {})))
def rnn_layer(input: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, sizes, reverse: bool, nonlinearity: str):
    """A sequence through one layer of a plain recurrent network."""
    xp = namespace(input)
    output = projected(input, w_ih, None if b_ih is None else b_ih + b_hh)
    w_state = xp.ascontiguousarray(w_hh.T)
    h = h0
    for start, end, n in steps(sizes, reverse):
        now = output[start:end]
        now += xp.matmul(h[:n], w_state)
        if nonlinearity == "tanh":
            xp.tanh(now, out=now)
        else:
            xp.maximum(now, 0, out=now)
        h = moved_on(h, now)
    return output, h.copy()


def composed_rnn(sizes, reverse: bool, nonlinearity: str):
    def formula(input, h0, w_ih, w_hh, b_ih, b_hh):
        rows = ops.nn.functional.linear(input, w_ih, b_ih)

        def step(x, states):
            new = x + ops.nn.functional.linear(states[0], w_hh, b_hh)
            return [new.tanh() if nonlinearity == "tanh" else new.relu()]
        return _unrolled(rows, [h0], sizes, reverse, step)
    return formula


@rnn_layer.vjp("input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")
def _(grads, input, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse, nonlinearity, output, needs):
    if isinstance(grads[0], Tensor):
        return gradients_through(composed_rnn(sizes, reverse, nonlinearity), (input, h0, w_ih, w_hh, b_ih, b_hh), grads)
    return ops.rnn_layer_backward(*grads, input, h0, w_ih, w_hh, sizes, reverse, nonlinearity, output, needs)


@op(category="linear", function=False, method=False, outputs=tuple(f"grad_{n}" for n in ("input", "h0", "w_ih", "w_hh", "b_ih", "b_hh")),
    no_grad="its rule is taken through the composed formula")
def rnn_layer_backward(d_output: Tensor, d_h: Tensor, input: Tensor, h0: Tensor, w_ih: Tensor, w_hh: Tensor, sizes, reverse: bool, nonlinearity: str, output: Tensor, needs):
    """Back through time."""
    xp = namespace(input)
    slope = 1 - output * output if nonlinearity == "tanh" else (output > 0).astype(output.dtype)
    d_sum = xp.empty(output.shape, output.dtype)
    dh = d_h.copy()
    for start, end, n in reversed(steps(sizes, reverse)):
        now = d_sum[start:end]
        xp.add(dh[:n], d_output[start:end], out=now)
        now *= slope[start:end]
        dh[:n] = xp.matmul(now, w_hh)
    before = states_before(output, h0, sizes, reverse)
    return (xp.matmul(d_sum, w_ih) if needs[0] else None, dh, *weight_gradients(d_sum, d_sum, input, before, needs[2:6]))
