"""Recurrent layers and cells as modules. The arithmetic of one layer in one direction is in `ops/recurrent.py`."""

from __future__ import annotations

import math
import numbers

from ...core.errors import caution
from ...core.op import public
from ...core.tensor import Tensor
from ...ops.sequences import run_layer, run_layers
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .linear import new_parameter
from .module import Module

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """Weights and checks that RNN, LSTM and GRU share."""

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
                 bidirectional: bool = False, proj_size: int = 0, device=None, dtype=None):
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional, self.proj_size = bias, batch_first, float(dropout), bidirectional, proj_size
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and num_layers == 1:
            caution("dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, "
                    f"but got dropout={dropout} and num_layers={num_layers}")
        for name, value, kind in (("input_size", input_size, int), ("hidden_size", hidden_size, int), ("bias", bias, bool), ("batch_first", batch_first, bool)):
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
            if kind is int and value <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if mode not in GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        rows, out = GATES[mode] * hidden_size, proj_size or hidden_size
        self._flat_weights_names: list[str] = []
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                inputs = input_size if layer == 0 else out * (2 if bidirectional else 1)
                shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, out)}
                if bias:
                    shapes.update(bias_ih=(rows,), bias_hh=(rows,))
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    setattr(self, name, new_parameter(*shape, device=device, dtype=dtype))
                self._flat_weights_names += names
                self._all_weights.append(names)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights evenly from ±1/sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Accepted for PyTorch's programs: there is nothing to flatten."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list:
        return [getattr(self, name, None) for name in self._flat_weights_names]

    @_flat_weights.setter
    def _flat_weights(self, weights) -> None:
        self._parameters.update(zip(self._flat_weights_names, weights, strict=True))

    def check_input(self, input: Tensor, batch_sizes) -> None:
        """Raise for an input of a wrong type or shape."""
        weight = getattr(self, self._flat_weights_names[0])
        if input.dtype != weight.dtype:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). Convert input: input.to({weight.dtype}), "
                             f"or convert model: model.to({input.dtype})")
        if batch_sizes is not None and input.dim() != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}")

    def check_hidden_size(self, hx: Tensor, expected: tuple, msg: str = "Expected hidden size {}, got {}") -> None:
        """Raise for a state of a wrong shape."""
        if tuple(hx.shape) != expected:
            raise RuntimeError(msg.format(expected, list(hx.shape)))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0), ("bidirectional", False)):
            value = getattr(self, name)
            if value != usual:
                text += f", {name}={value}"
        return text

    def permute_hidden(self, hx, permutation):
        """States in another order of the samples."""
        if permutation is None:
            return hx
        return tuple(h.index_select(1, permutation) for h in hx) if isinstance(hx, tuple) else hx.index_select(1, permutation)

    def _states(self, hx, batch: int, like: Tensor, lone: bool) -> list:
        """The initial states (h, and c for an LSTM), checked; zeros where none are given."""
        layers = self.num_layers * (2 if self.bidirectional else 1)
        sizes = [self.proj_size or self.hidden_size] + ([self.hidden_size] if self.mode == "LSTM" else [])
        if hx is None:
            zeros = public[""]["zeros"]
            return [zeros(layers, batch, size, dtype=like.dtype, device=like.device) for size in sizes]
        given = list(hx) if self.mode == "LSTM" else [hx]
        dims = 2 if lone else 3
        if any(h.dim() != dims for h in given):
            found = f"({', '.join(f'{h.dim()}-D' for h in given)}) tensors" if self.mode == "LSTM" else f"{given[0].dim()}-D tensor"
            if lone:
                raise RuntimeError(f"For unbatched 2-D input, hx {'and cx should ' if self.mode == 'LSTM' else 'should '}also be 2-D but got {found}")
            raise RuntimeError(f"For batched 3-D input, hx {'and cx should ' if self.mode == 'LSTM' else 'should '}also be 3-D but got {found}")
        given = [h.unsqueeze(1) for h in given] if lone else given
        for i, (h, size) in enumerate(zip(given, sizes, strict=True)):
            words = f"Expected hidden[{i}] size {{}}, got {{}}" if self.mode == "LSTM" else "Expected hidden size {}, got {}"
            self.check_hidden_size(h, (layers, batch, size), words)
        return given

    def forward(self, input, hx=None):
        packed = input if isinstance(input, PackedSequence) else None
        if packed is not None:
            rows, sizes, lone = packed.data, tuple(packed.batch_sizes.tolist()), False
            self.check_input(rows, packed.batch_sizes)
            batch = sizes[0]
        else:
            if input.dim() not in (2, 3):
                raise ValueError(f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D tensor instead")
            self.check_input(input, None)
            lone = input.dim() == 2
            sequence = input.unsqueeze(1) if lone else input.transpose(0, 1) if self.batch_first else input
            length, batch = sequence.shape[:2]
            if not length:
                raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
            rows, sizes = sequence.reshape(length * batch, -1), (batch,) * length
        states = self._states(hx, batch, rows, lone)
        if packed is not None and hx is not None:
            states = list(self.permute_hidden(tuple(states), packed.sorted_indices))
        rows, finals = self._layers(rows, states, sizes)
        if packed is not None:
            output = PackedSequence(rows, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
            finals = [self.permute_hidden(h, packed.unsorted_indices) for h in finals]
        else:
            output = rows.reshape(length, batch, -1)
            output = output.squeeze(1) if lone else output.transpose(0, 1) if self.batch_first else output
            finals = [h.squeeze(1) for h in finals] if lone else finals
        return output, tuple(finals) if self.mode == "LSTM" else finals[0]

    def _layers(self, rows, states: list, sizes: tuple):
        """All layers and directions; returns the rows of the last layer and the stacked final states."""
        directions = 2 if self.bidirectional else 1
        weights = [self._weights_of(k) for k in range(self.num_layers * directions)]
        return run_layers(self.mode, rows, states, weights, sizes, directions, self.dropout if self.training else 0.0)

    def _weights_of(self, k: int) -> tuple:
        """w_ih, w_hh, b_ih, b_hh, w_hr of one layer and direction; None for those that are not there."""
        found = {name.split("_l")[0]: getattr(self, name) for name in self._all_weights[k]}
        return tuple(found.get(name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"))


class RNN(RNNBase):
    """A plain recurrent network: h' = tanh(W x + U h + b), over a sequence.

    Args:
        input_size, hidden_size, num_layers: sizes; layers are stacked.
        nonlinearity: "tanh" or "relu".
        batch_first: sequences are (N, L, size) rather than (L, N, size).
        dropout: between layers, while training.
        bidirectional: a second pass from the end; outputs are joined.

    Returns:
        The outputs of the last layer at every step, and the final state of every layer.

    >>> import autodiff_lab as lab
    >>> output, h = lab.nn.RNN(10, 20, 2)(lab.zeros(5, 3, 10))
    >>> output.shape, h.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if isinstance(nonlinearity, bool):  # RNN(i, h, n, bias): the old order without nonlinearity
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997): a state with an input, a forget and an output gate.

    Arguments as for RNN, and `proj_size`: size of the output, if not hidden_size. The state is a pair (h, c).

    Shape: input (L, N, input_size), or (N, L, input_size) with batch_first, or (L, input_size); h and c
        (num_layers·directions, N, hidden_size).

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LSTM(10, 20, num_layers=2)
    >>> output, (h, c) = m(lab.zeros(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent unit (Cho et al., 2014): a state with a reset and an update gate. Arguments as for RNN.

    >>> import autodiff_lab as lab
    >>> output, h = lab.nn.GRU(10, 20, batch_first=True)(lab.zeros(3, 5, 10))
    >>> output.shape, h.shape
    (torch.Size([3, 5, 20]), torch.Size([1, 3, 20]))
    """

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """Weights and checks that the cells share."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = new_parameter(rows, input_size, device=device, dtype=dtype)
        self.weight_hh = new_parameter(rows, hidden_size, device=device, dtype=dtype)
        if bias:
            self.bias_ih = new_parameter(rows, device=device, dtype=dtype)
            self.bias_hh = new_parameter(rows, device=device, dtype=dtype)
        else:
            self.register_parameter("bias_ih", None)
            self.register_parameter("bias_hh", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights evenly from ±1/sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _weights(self) -> tuple:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, None

    def _prepared(self, input: Tensor, states) -> tuple:
        """Input and states as rows; zeros where no state is given."""
        name = self._get_name()
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for i, state in enumerate(states):
            if state is not None and state.dim() not in (1, 2):
                raise ValueError(f"{name}: Expected {f'hx[{i}]' if len(states) > 1 else 'hidden'} to be 1D or 2D, got {state.dim()}D instead")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(-1)} expected {self.input_size}")
        lone = input.dim() == 1
        rows = input.unsqueeze(0) if lone else input
        zeros = public[""]["zeros"]
        found = []
        for i, state in enumerate(states):
            state = zeros(rows.size(0), self.hidden_size, dtype=rows.dtype, device=rows.device) if state is None else state.unsqueeze(0) if lone else state
            if state.size(0) != rows.size(0):
                raise RuntimeError(f"Input batch size {rows.size(0)} doesn't match hidden{i} batch size {state.size(0)}")
            if state.size(1) != self.hidden_size:
                raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.size(1)}, expected {self.hidden_size}")
            found.append(state)
        return rows, found, lone


class RNNCell(RNNCellBase):
    """One step of a plain recurrent network.

    Shape: input (N, input_size) or (input_size); state (N, hidden_size) or (hidden_size), zeros where it is not given.

    >>> import autodiff_lab as lab
    >>> cell, h = lab.nn.RNNCell(10, 20), lab.zeros(3, 20)
    >>> for x in lab.zeros(5, 3, 10):
    ...     h = cell(x, h)
    >>> h.shape
    torch.Size([3, 20])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        rows, (h,), lone = self._prepared(input, [hx])
        h = run_layer(f"RNN_{self.nonlinearity.upper()}", rows, [h], self._weights(), (rows.size(0),), False, cell=True)[0]
        return h.squeeze(0) if lone else h


class LSTMCell(RNNCellBase):
    """One step of an LSTM; the state is a pair (h, c).

    Shape: input (N, input_size) or (input_size); h and c (N, hidden_size) or (hidden_size), zeros where they are not given.

    >>> import autodiff_lab as lab
    >>> h, c = lab.nn.LSTMCell(10, 20)(lab.zeros(3, 10))
    >>> h.shape, c.shape
    (torch.Size([3, 20]), torch.Size([3, 20]))
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx=None):
        rows, states, lone = self._prepared(input, [None, None] if hx is None else list(hx))
        h, _, c = run_layer("LSTM", rows, states, self._weights(), (rows.size(0),), False, cell=True)
        return (h.squeeze(0), c.squeeze(0)) if lone else (h, c)


class GRUCell(RNNCellBase):
    """One step of a GRU.

    Shape: input (N, input_size) or (input_size); state (N, hidden_size) or (hidden_size), zeros where it is not given.

    >>> import autodiff_lab as lab
    >>> lab.nn.GRUCell(10, 20)(lab.zeros(3, 10)).shape
    torch.Size([3, 20])
    """

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        rows, (h,), lone = self._prepared(input, [hx])
        h = run_layer("GRU", rows, [h], self._weights(), (rows.size(0),), False, cell=True)[0]
        return h.squeeze(0) if lone else h
