"""The engine behind every random number: PyTorch's Mersenne Twister, its seeding and its saved state.

NumPy's `MT19937` is the same engine, so one word drawn here is one word drawn by PyTorch on the CPU.
Besides the engine a generator holds one number, the second normal of the last pair that was drawn.
"""

from __future__ import annotations

import contextlib
import os
import struct
import threading
import weakref

import numpy as np
from numpy.random.bit_generator import ISeedSequence

__all__ = ["Drawn", "Generator", "default_generator", "drawing", "fork_rng"]

STATE_BYTES = 5056
_WORDS = 624
_FIRST_SEED = 67280421310721  # PyTorch's default_rng_seed_val
_HEAD, _TAIL = struct.Struct("<QiiQ"), struct.Struct("<dddi4xfB3x")  # before and after the 624 words


class _NoEntropy(ISeedSequence):
    """Spares MT19937 the gathering of entropy that seeding overwrites at once.

    A loader makes a generator each epoch, and this makes it 30 times faster. NumPy reads the words one by one, which
    is fastest from a list.
    """

    words = [1] * _WORDS

    def generate_state(self, n_words, dtype=np.uint32):
        return self.words


class Drawn(RuntimeError):
    """Random numbers were asked for where none may be drawn."""


class _Closed(threading.local):
    closed = False


drawing = _Closed()
"""While `drawing.closed`, generators of this thread refuse to draw: `vmap` finds out by it that a function draws."""


class Generator:
    """A stream of random numbers with a seed and a state of its own, the same as PyTorch's on the CPU.

    >>> import autodiff_lab as lab
    >>> g = lab.Generator().manual_seed(0)
    >>> lab.randperm(10, generator=g)
    tensor([4, 1, 7, 5, 3, 9, 0, 8, 6, 2])
    """

    # How a state leaves and enters, and what `device` is: plain arrays and text here, tensors and a device
    # once the ops layer has set these.
    wrap_state = staticmethod(lambda array: array)
    unwrap_state = staticmethod(np.asarray)
    make_device = staticmethod(str)
    alive: weakref.WeakSet = weakref.WeakSet()  # every generator there is: `vmap` asks which of them its function drew from

    def __init__(self, device="cpu"):
        self._device = "cpu" if device is None else device
        if self._device != "cpu":
            self.make_device(self._device)  # which refuses what is none
        self.alive.add(self)
        self.lock = threading.RLock()
        self._engine = np.random.MT19937(_NoEntropy())
        self._seeding = np.random.RandomState(self._engine)  # the public way to the classic seeding
        self._raw = self._engine.random_raw
        self.manual_seed(_FIRST_SEED)

    @property
    def device(self):
        """Where the numbers are wanted; they are drawn on the processor all the same."""
        return self.make_device(self._device)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream that belongs to `seed`, from -2**63 to 2**64 - 1; a negative one counts as seed + 2**64.

        Only the low 32 bits choose the stream, as in PyTorch.

        Raises:
            RuntimeError: if `seed` is not an integer.
            ValueError: if it is out of range.
        """
        if not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}. "
                               "Give an integer, e.g. int(seed).")
        number = seed.__index__()
        if not -(2**63) <= number < 2**64:
            raise ValueError(f"Overflow when unpacking long long: the seed {number} is outside -2**63 to 2**64 - 1.")
        with self.lock:
            self._seed = number % 2**64
            self._seeding.seed(self._seed & 0xFFFFFFFF)
            self.second_normal = None
            self._fresh = True  # PyTorch's state tells a seeded engine from one that drew 624 words
        return self

    def seed(self) -> int:
        """Seed from the operating system's entropy and return that seed."""
        seed = int.from_bytes(os.urandom(8), "little")
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed this stream started from."""
        return self._seed

    def words(self, n: int) -> np.ndarray:
        """The next `n` outputs of the engine, 32 bits each, in an array of uint64."""
        if n:
            if drawing.closed:
                raise Drawn("random numbers may not be drawn here.")
            self._fresh = False
        return self._raw(n)

    def state_array(self) -> np.ndarray:
        """The state as PyTorch writes it: 5056 bytes in an array of uint8, interchangeable with PyTorch's."""
        with self.lock:
            engine = self._engine.state["state"]
            position = 0 if self._fresh else engine["pos"]
            left = 1 if self._fresh else _WORDS + 1 - position
            cached, is_cached = (0.0, 0) if self.second_normal is None else (self.second_normal, 1)
        image = (_HEAD.pack(self._seed, left, 1, position) + engine["key"].astype("<u8").tobytes()
                 + _TAIL.pack(0.0, cached, 0.0, is_cached, 0.0, 0))
        return np.frombuffer(image, np.uint8).copy()

    def load_state_array(self, state: np.ndarray) -> None:
        """Go on from a state that `state_array`, or PyTorch, wrote.

        Raises:
            TypeError: if `state` is not an array of uint8.
            RuntimeError: if it is not a state.
        """
        state = np.asarray(state)
        if state.dtype != np.uint8:
            raise TypeError(f"RNG state must be a torch.ByteTensor: expected dtype uint8, got {state.dtype}.")
        if state.size != STATE_BYTES:
            raise RuntimeError(f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG state "
                               f"size to be {state.size}. Pass what get_state() returned.")
        image = state.tobytes()
        seed, left, seeded, position = _HEAD.unpack_from(image)
        if not seeded or not 1 <= left <= _WORDS or position > _WORDS:
            raise RuntimeError("Invalid mt19937 state: these bytes are not what get_state() returned.")
        key = np.frombuffer(image, "<u8", _WORDS, _HEAD.size).astype(np.uint32)
        _, cached, _, is_cached, _, _ = _TAIL.unpack_from(image, STATE_BYTES - _TAIL.size)
        with self.lock:
            self._seed, self._fresh = seed, (position, left) == (0, 1)
            engine = {"key": key, "pos": _WORDS if self._fresh else position}
            self._engine.state = {"bit_generator": "MT19937", "state": engine}
            self.second_normal = cached if is_cached else None

    def get_state(self):
        """The state as a tensor of 5056 bytes, to go on from later with `set_state`."""
        return self.wrap_state(self.state_array())

    def set_state(self, new_state) -> Generator:
        """Go on from a state that `get_state` returned; gives the generator itself back."""
        self.load_state_array(self.unwrap_state(new_state))
        return self

    def clone_state(self) -> Generator:
        """A new generator that goes on from here by itself."""
        twin = type(self)(self._device)
        twin.load_state_array(self.state_array())
        return twin

    graphsafe_get_state = clone_state

    def graphsafe_set_state(self, state: Generator) -> None:
        """Go on from where the generator `state` is."""
        self.load_state_array(state.state_array())

    def __repr__(self) -> str:
        return f"<torch._C.Generator object at {hex(id(self))}>"

    def __deepcopy__(self, memo) -> Generator:
        return self.clone_state()

    def __reduce__(self):
        return _restored, (str(self._device), self.state_array())


def _restored(device: str, state: np.ndarray) -> Generator:
    generator = Generator(device)
    generator.load_state_array(state)
    return generator


default_generator = Generator()
default_generator.seed()


@contextlib.contextmanager
def fork_rng(devices=None, enabled: bool = True, _caller="fork_rng", _devices_kw="devices", device_type: str = "cuda"):
    """Inside `with`, draw as usual; afterwards the default generator goes on as if nothing had been drawn.

    `devices` and `device_type` are accepted and do nothing: every device draws from the one stream.
    """
    if not enabled:
        yield
        return
    state = default_generator.state_array()
    try:
        yield
    finally:
        default_generator.load_state_array(state)
