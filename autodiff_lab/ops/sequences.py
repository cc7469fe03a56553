"""Recurrent networks as functions, as `torch.lstm` has them: layers on layers in one or two directions, and single cells.

The arithmetic of one layer in one direction is in recurrent.py; the modules of `nn` call `run_layers` too.
"""

from __future__ import annotations

from functools import partial

from ..core.autocasting import state as autocast
from ..core.op import ops, public
from ..core.tensor import Tensor
from .recurrent import composed_gru, composed_lstm, composed_rnn

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]


def run_layers(mode: str, rows, states: list, weights, sizes: tuple, directions: int, dropout: float):
    """All layers and directions.

    Args:
        mode: "LSTM", "GRU", "RNN_TANH" or "RNN_RELU".
        rows: the samples of all steps, one under the other; see recurrent.py.
        states: the initial states (h, and c of an LSTM), each with one entry for every layer and direction.
        weights: w_ih, w_hh, b_ih, b_hh, w_hr of every layer and direction; None for what is not there.

    Returns:
        The rows of the last layer and the stacked final states.
    """
    lab = public[""]
    finals: list[list] = [[] for _ in states]
    layers = len(weights) // directions
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            result = run_layer(mode, rows, [s[k] for s in states], weights[k], sizes, bool(direction))
            outputs.append(result[0])
            for found, final in zip(finals, result[1:], strict=True):
                found.append(final)
        rows = outputs[0] if directions == 1 else lab["cat"](outputs, 1)
        if dropout and layer < layers - 1:
            rows = public["nn.functional"]["dropout"](rows, dropout, True)
    return rows, [lab["stack"](found) for found in finals]


def run_layer(mode: str, rows, states, weights, sizes: tuple, reverse: bool, cell: bool = False):
    """One layer in one direction: its rows and its final states."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    if autocast.enabled and (cell or mode != "LSTM" or w_hr is not None):  # only the products in sixteen bits, as in PyTorch
        composed = {"LSTM": composed_lstm, "GRU": composed_gru}.get(mode) or partial(composed_rnn, nonlinearity=mode[4:].lower())
        return composed(sizes, reverse)(rows, *states, w_ih, w_hh, b_ih, b_hh, *((w_hr,) if mode == "LSTM" else ()))
    if mode == "LSTM":
        return ops.lstm_layer(rows, *states, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse)
    if mode == "GRU":
        return ops.gru_layer(rows, *states, w_ih, w_hh, b_ih, b_hh, sizes, reverse)
    return ops.rnn_layer(rows, *states, w_ih, w_hh, b_ih, b_hh, sizes, reverse, "tanh" if mode == "RNN_TANH" else "relu")


# ---- the functions ----

def _grouped(params, has_biases: bool, mode: str, states) -> list[tuple]:
    """The flat list of parameters, as w_ih, w_hh, b_ih, b_hh, w_hr of every layer and direction."""
    projects = mode == "LSTM" and states[0].shape[-1] != states[1].shape[-1]
    each = 2 + 2 * has_biases + projects
    found = []
    for i in range(0, len(params), each):
        w_ih, w_hh, *rest = params[i:i + each]
        biases = rest[:2] if has_biases else (None, None)
        found.append((w_ih, w_hh, *biases, rest[-1] if projects else None))
    return found


def _padded(mode: str, input, hx, params, has_biases: bool, num_layers: int, dropout: float, train: bool, bidirectional: bool, batch_first: bool):
    """A batch of sequences of one length."""
    states = list(hx) if mode == "LSTM" else [hx]
    sequence = input.transpose(0, 1) if batch_first else input
    length, batch = sequence.shape[:2]
    rows, finals = run_layers(mode, sequence.reshape(length * batch, sequence.shape[2]), states, _grouped(list(params), has_biases, mode, states), (batch,) * length,
                              2 if bidirectional else 1, dropout if train else 0.0)
    output = rows.reshape(length, batch, rows.shape[1])
    return (output.transpose(0, 1) if batch_first else output, *finals)


def _packed(mode: str, data, batch_sizes, hx, params, has_biases: bool, num_layers: int, dropout: float, train: bool, bidirectional: bool):
    """Sequences of several lengths, as `pack_padded_sequence` lays them out."""
    states = list(hx) if mode == "LSTM" else [hx]
    rows, finals = run_layers(mode, data, states, _grouped(list(params), has_biases, mode, states), tuple(batch_sizes.tolist()), 2 if bidirectional else 1, dropout if train else 0.0)
    return (rows, *finals)


def lstm(*args, **kwargs):
    """Long short-term memory over sequences; see `nn.LSTM`, which keeps the parameters.

    Called as `lstm(input, (h, c), params, has_biases, num_layers, dropout, train, bidirectional, batch_first)`, or for packed
    sequences as `lstm(data, batch_sizes, (h, c), params, has_biases, num_layers, dropout, train, bidirectional)`.

    Returns:
        output, h, c.
    """
    packed = "batch_sizes" in kwargs or len(args) > 1 and isinstance(args[1], Tensor)
    return (_packed if packed else _padded)("LSTM", *args, **kwargs)


def _of(name: str, mode: str, what: str):
    def function(*args, **kwargs):
        packed = "batch_sizes" in kwargs or len(args) > 2 and isinstance(args[2], Tensor)
        return (_packed if packed else _padded)(mode, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{what} over sequences; see `nn.{"GRU" if mode == "GRU" else "RNN"}`, which keeps the parameters.

    Called as `{name}(input, h, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)`, or for packed
    sequences as `{name}(data, batch_sizes, h, params, has_biases, num_layers, dropout, train, bidirectional)`.

    Returns:
        output, h.
    """
    return function


gru = _of("gru", "GRU", "A gated recurrent unit")
rnn_tanh = _of("rnn_tanh", "RNN_TANH", "A plain recurrent network with tanh")
rnn_relu = _of("rnn_relu", "RNN_RELU", "A plain recurrent network with relu")


# ---- single steps ----

def _stepped(mode: str, input, states, w_ih, w_hh, b_ih, b_hh):
    for given, weight, name in ((input, w_ih, "input"), (states[0], w_hh, "hx")):
        if given.ndim != 2 or given.shape[1] != weight.shape[1]:
            raise RuntimeError(f"{name} must be a batch of rows of {weight.shape[1]} numbers, one for each column of its weight, but has the shape {list(given.shape)}.")
    return run_layer(mode, input, states, (w_ih, w_hh, b_ih, b_hh, None), (input.shape[0],), False, cell=True)


def lstm_cell(input: Tensor, hx, w_ih: Tensor, w_hh: Tensor, b_ih=None, b_hh=None):
    """One step of an LSTM: the new (h, c) from `hx`, the old (h, c)."""
    h, _, c = _stepped("LSTM", input, list(hx), w_ih, w_hh, b_ih, b_hh)
    return h, c


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih=None, b_hh=None):
    """One step of a GRU: the new state from `hx`, the old one."""
    return _stepped("GRU", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih=None, b_hh=None):
    """One step of a plain recurrent network with tanh."""
    return _stepped("RNN_TANH", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih=None, b_hh=None):
    """One step of a plain recurrent network with relu."""
    return _stepped("RNN_RELU", input, [hx], w_ih, w_hh, b_ih, b_hh)[0]


public[""].update({name: globals()[name] for name in __all__})
