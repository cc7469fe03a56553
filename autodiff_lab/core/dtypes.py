"""PyTorch's data types, their promotion rules and the default type.

A `dtype` names what a number is; `dtype.numpy` is what NumPy calls it. Promotion follows PyTorch:
a tensor with dimensions outranks a 0-dim tensor, which outranks a Python number, unless the weaker
one is of a higher category (bool < integer < floating < complex).
"""

from __future__ import annotations

import numpy as np

try:
    from ml_dtypes import bfloat16 as _bfloat16
except ImportError:  # bfloat16 is there where ml_dtypes is
    _bfloat16 = None

__all__ = [
    "FLOATING", "NAMED", "cast_error", "can_cast", "default_dtype", "dtype", "dtype_of", "finfo", "get_default_dtype",
    "iinfo", "of_name", "promote_types", "promoted", "set_default_dtype",
]


class dtype:
    """What each element of a tensor is, e.g. `lab.float32`.

    >>> import autodiff_lab as lab
    >>> lab.float32.is_floating_point, lab.float32.itemsize
    (True, 4)
    """

    __slots__ = ("category", "char", "is_complex", "is_floating_point", "is_signed", "itemsize", "limits", "name", "numpy", "rank", "title")

    def __init__(self, name: str, numpy: np.dtype | None, category: int, title: str, rank: int):
        self.name, self.category, self.title, self.rank = name, category, title, rank
        self.limits: tuple | None = None
        if numpy is not None:
            self.numpy, self.itemsize = numpy, numpy.itemsize
        self.is_floating_point, self.is_complex = category == FLOAT, category == COMPLEX
        self.is_signed = category >= FLOAT or (category == INT and not name.startswith("u"))

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self):
        return of_name, (self.name,)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def to_complex(self) -> dtype:
        """The complex type of the same precision."""
        return {"float64": complex128, "complex128": complex128}.get(self.name, complex64)

    def to_real(self) -> dtype:
        """The type of the real part."""
        return {"complex64": float32, "complex128": float64}.get(self.name, self)


BOOL, INT, FLOAT, COMPLEX = range(4)

_all: dict[str, dtype] = {}


def _make(name, numpy, category, title, rank):
    made = _all[name] = dtype(name, np.dtype(numpy), category, title, rank)
    return made


# `title` is how PyTorch's messages name the type ("Float", "Long"); `rank` orders types inside a category.
bool_ = _make("bool", np.bool_, BOOL, "Bool", 0)
uint8 = _make("uint8", np.uint8, INT, "Byte", 1)
int8 = _make("int8", np.int8, INT, "Char", 2)
int16 = _make("int16", np.int16, INT, "Short", 3)
uint16 = _make("uint16", np.uint16, INT, "UInt16", 3)
int32 = _make("int32", np.int32, INT, "Int", 4)
uint32 = _make("uint32", np.uint32, INT, "UInt32", 4)
int64 = _make("int64", np.int64, INT, "Long", 5)
uint64 = _make("uint64", np.uint64, INT, "UInt64", 5)
float16 = _make("float16", np.float16, FLOAT, "Half", 1)
float32 = _make("float32", np.float32, FLOAT, "Float", 3)
float64 = _make("float64", np.float64, FLOAT, "Double", 4)
complex64 = _make("complex64", np.complex64, COMPLEX, "ComplexFloat", 3)
complex128 = _make("complex128", np.complex128, COMPLEX, "ComplexDouble", 4)
bfloat16 = _make("bfloat16", _bfloat16, FLOAT, "BFloat16", 2) if _bfloat16 else None


class Unheld(dtype):
    """A type that can be named, but that no tensor here can hold, see NAMED."""

    __slots__ = ()

    @property
    def numpy(self):
        raise NotImplementedError(f"{self} can be named here, but no tensor can hold such numbers, because NumPy has no such type. "
                                  "Take torch.float32, or an integer type such as torch.int8.")


def _named(name, category, title, itemsize=1, limits=None):
    made = Unheld(name, None, category, title, 0)
    made.itemsize, made.limits = itemsize, limits
    made.is_signed = not name.startswith(("u", "q", "bits", "float8_e8"))
    return made


# (largest, eps, smallest normal) of the floating ones, (smallest, largest) of the quantised ones.
_NAMED = [_named(f"float8_{form}", FLOAT, f"Float8_{form}", 1, limits) for form, limits in (
              ("e4m3fn", (448.0, 2.0**-3, 2.0**-6)), ("e4m3fnuz", (240.0, 2.0**-3, 2.0**-7)), ("e5m2", (57344.0, 2.0**-2, 2.0**-14)),
              ("e5m2fnuz", (57344.0, 2.0**-3, 2.0**-15)), ("e8m0fnu", (2.0**127, 1.0, 2.0**-127)))]
_NAMED += [_named("float4_e2m1fn_x2", FLOAT, "Float4_e2m1fn_x2"), _named("complex32", COMPLEX, "ComplexHalf", 4)]
_NAMED += [_named(f"{sign}int{bits}", INT, f"{sign.upper()}Int{bits}") for sign in ("", "u") for bits in range(1, 8)]
_NAMED += [_named(name, INT, "Q" + name[1:].replace("int", "Int"), size, limits) for name, size, limits in (
               ("qint8", 1, (-128, 127)), ("quint8", 1, (0, 255)), ("qint32", 4, (-2**31, 2**31 - 1)), ("quint4x2", 1, (0, 255)), ("quint2x4", 1, (0, 255)))]
_NAMED += [_named(f"bits{form}", INT, f"Bits{form}", 2 if form == "16" else 1) for form in ("8", "16", "1x8", "2x4", "4x2")]
NAMED = {made.name: made for made in _NAMED}
"""Name -> type, of the types that PyTorch has and no tensor here can hold: they can be named, compared and asked for their limits."""

_of_numpy: dict[np.dtype, dtype] = {made.numpy: made for made in _all.values()}
FLOATING = frozenset(made.numpy for made in _all.values() if made.category >= FLOAT)
"""NumPy dtypes of the types that can have a gradient."""
NATIVE = FLOATING - {np.dtype("float16")} - ({bfloat16.numpy} if bfloat16 else set())
"""Those of them that need nothing said beside a Python number: of sixteen bits, some operators round the number first, and some do not."""

_names = dict(_all, float=float32, double=float64, half=float16, int=int32, long=int64, short=int16, **NAMED)
_python = {bool: bool_, int: int64, float: float32, complex: complex64}
default_dtype = [float32]  # a list, so that everyone sees the change


def of_name(name: str) -> dtype:
    """The dtype called `name`, e.g. "float32"."""
    return _names[name]


def dtype_of(value) -> dtype:
    """The `dtype` of an array, a NumPy dtype, a Python type or a `dtype` itself.

    Raises:
        TypeError: for a type that no tensor can hold, such as text or objects.
    """
    if isinstance(value, dtype):
        return value
    numpy = value if isinstance(value, np.dtype) else getattr(value, "dtype", None)
    found = _of_numpy.get(numpy)
    if found is None and isinstance(numpy, dtype):
        return numpy  # a Tensor's
    if found is None and isinstance(value, type) and value in _python:
        return default_dtype[0] if value is float else default_dtype[0].to_complex() if value is complex else _python[value]
    if found is None and isinstance(value, type) and issubclass(value, np.generic):
        found = _of_numpy.get(np.dtype(value))
    if found is None and numpy is not None and not numpy.isnative:
        raise TypeError("given numpy array has byte order different from the native byte order. "
                        "Conversion between byte orders is currently not supported. Call array.astype(array.dtype.newbyteorder('=')) first.")
    if found is None:
        raise TypeError(f"can't convert np.ndarray of type {getattr(numpy, 'type', value)!r}. The only supported types are: "
                        f"float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.")
    return found


def get_default_dtype() -> dtype:
    """The type of tensors made from Python floats; float32 unless changed.

    >>> import autodiff_lab as lab
    >>> lab.get_default_dtype()
    torch.float32
    """
    return default_dtype[0]


def set_default_dtype(d: dtype) -> None:
    """Make `d`, a floating-point dtype, the type of tensors made from Python floats.

    Raises:
        TypeError: if `d` is not a floating-point dtype.

    >>> import autodiff_lab as lab
    >>> lab.set_default_dtype(lab.float64)
    >>> lab.tensor([1.5]).dtype
    torch.float64
    >>> lab.set_default_dtype(lab.float32)
    """
    if not isinstance(d, dtype):
        raise TypeError(f"invalid dtype object: expected a floating-point dtype such as torch.float32, got {type(d).__name__}.")
    if not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, got {d}.")
    default_dtype[0] = d


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds both, as PyTorch's table has it.

    >>> import autodiff_lab as lab
    >>> lab.promote_types(lab.int32, lab.float32), lab.promote_types(lab.uint8, lab.int8)
    (torch.float32, torch.int16)
    """
    if type1 is type2:
        return type1
    if type1.name in NAMED or type2.name in NAMED:
        raise RuntimeError(f"Promotion for {type1.title} and {type2.title} is not supported: no tensor here can hold the one of them that NumPy does not have.")
    low, high = sorted((type1, type2), key=lambda t: (t.category, t.rank))
    if low.category != high.category:
        if high.category == COMPLEX and low.category == FLOAT:
            return complex128 if low is float64 else high
        return high
    if high.category == FLOAT:
        return float32 if high is bfloat16 and low is float16 else high
    if high.category == COMPLEX:
        return high
    unsigned = [t for t in (low, high) if not t.is_signed]
    if len(unsigned) == 1 and unsigned[0] is uint8:
        return int16 if int8 in (low, high) else high
    if unsigned and {low, high} - {uint8}:
        if len(unsigned) == 2:
            return high
        raise RuntimeError(f"Promotion for uint16, uint32, uint64 types is not supported, attempted to promote {low.title} and {high.title}. "
                           "Convert one of them first, e.g. with .to(torch.int64).")
    return high


def can_cast(from_: dtype, to: dtype) -> bool:
    """True if PyTorch's in-place operations may store a result of type `from_` in `to`.

    >>> import autodiff_lab as lab
    >>> lab.can_cast(lab.float32, lab.int64), lab.can_cast(lab.int64, lab.float16)
    (False, True)
    """
    for name, kind in (("from_", from_), ("to", to)):
        if not isinstance(kind, dtype):
            raise TypeError(f"can_cast(): argument '{name}' must be torch.dtype, not {type(kind).__name__}")
    return from_.category <= to.category or (from_.category == INT and to.category == INT)


def cast_error(result: dtype, target: dtype) -> RuntimeError:
    """The error for storing `result` in `target` where that would lose the category."""
    return RuntimeError(f"result type {result.title} can't be cast to the desired output type {target.title}. "
                        f"Use the out-of-place operation, or convert the tensor first, e.g. with .to({result}).")


def promoted(operands, minimum: int = BOOL) -> dtype:
    """The common type of tensors' arrays and Python numbers; at least the default float if `minimum` is FLOAT.

    Args:
        operands: arrays (0-dim ones count less than others) and Python numbers.
        minimum: BOOL, INT or FLOAT, the lowest category of the result.
    """
    dimensioned = zero_dim = number = None
    for operand in operands:
        if operand.__class__ in _python:  # not isinstance: np.float64 is a float too
            found = dtype_of(type(operand))
            number = found if number is None else promote_types(number, found)
        elif operand.ndim:
            found = _of_numpy[operand.dtype]
            dimensioned = found if dimensioned is None else promote_types(dimensioned, found)
        else:
            found = _of_numpy[operand.dtype]
            zero_dim = found if zero_dim is None else promote_types(zero_dim, found)
    result = dimensioned
    for weaker in (zero_dim, number):
        if weaker is None:
            continue
        if result is None:
            result = weaker
        elif weaker.category > result.category:
            # Beside floating-point numbers a complex one only lends its category.
            result = result.to_complex() if weaker.category == COMPLEX and result.category == FLOAT else weaker
    if minimum == FLOAT and result.category < FLOAT:
        return default_dtype[0]
    return result


class finfo:
    """Limits of a floating-point type: eps, max, min, tiny, smallest_normal, resolution, bits.

    >>> import autodiff_lab as lab
    >>> lab.finfo(lab.float32).eps
    1.1920928955078125e-07
    """

    def __init__(self, type: dtype | None = None):
        found = type or default_dtype[0]
        if found.category < FLOAT:
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'")
        real = float16 if found.name == "complex32" else found.to_real()
        if real.name in NAMED:
            if real.limits is None:
                raise NotImplementedError(f'"epsilon" not implemented for \'{real.title}\'')
            self.dtype, self.bits, self.resolution = real.name, 8, 1.0
            self.max, self.eps, self.tiny = real.limits
            self.smallest_normal, self.min = self.tiny, -self.max if real.is_signed else self.tiny
            return
        if real.name == "bfloat16":
            import ml_dtypes
            info = ml_dtypes.finfo(real.numpy)
        else:
            info = np.finfo(real.numpy)
        self.dtype, self.bits = real.name, real.itemsize * 8
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(f"1e-{info.precision}")

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, eps={self.eps:g}, "
                f"smallest_normal={self.smallest_normal:g}, tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Limits of an integer type: min, max, bits.

    >>> import autodiff_lab as lab
    >>> lab.iinfo(lab.int8).max
    127
    """

    def __init__(self, type: dtype):
        if type.category != INT or type.name in NAMED and type.limits is None:
            raise TypeError("torch.bool is not supported by torch.iinfo" if type.name == "bool" else
                            "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type.limits is not None:
            self.dtype, self.bits, (self.min, self.max) = type.name, type.itemsize * 8, type.limits
            return
        info = np.iinfo(type.numpy)
        self.dtype, self.bits, self.min, self.max = type.name, type.itemsize * 8, int(info.min), int(info.max)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
