"""`gradcheck`: compare the gradients of a function with finite differences, entry by entry."""

from __future__ import annotations

import warnings

import numpy as np

from ..core.modes import enable_grad
from ..core.tensor import Tensor, wrap
from .engine import grad as autograd_grad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """Raised by `gradcheck` and `gradgradcheck` when a gradient is wrong."""


def gradcheck(func, inputs, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
              check_undefined_grad: bool = True, check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
              check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False, masked=None) -> bool:
    """True if the gradients of `func(*inputs)` agree with central differences of step `eps`.

    Use float64 inputs: in float32 the differences themselves are too coarse.

    Args:
        func: returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple; those that require a gradient are checked.
        raise_exception: raise GradcheckError instead of returning False.
        nondet_tol: how much two backward passes may differ.

    Raises:
        GradcheckError: if a gradient is wrong; both Jacobians are in the message.
        ValueError: if no input requires a gradient.

    >>> import autodiff_lab as lab
    >>> x = lab.tensor([0.5, 1.0], dtype=lab.float64, requires_grad=True)
    >>> lab.autograd.gradcheck(lab.tanh, (x,))
    True
    """
    if check_forward_ad:
        raise NotImplementedError("gradcheck(check_forward_ad=True): forward-mode derivatives are not here yet.")
    try:
        _check(func, _tuple(inputs), eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3, gen_non_contig_grad_outputs: bool = False,
                  raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True, check_grad_dtypes: bool = False,
                  check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True, fast_mode: bool = False, masked=False) -> bool:
    """The same for the gradients of the gradients.

    >>> import autodiff_lab as lab
    >>> x = lab.rand(3, dtype=lab.float64, requires_grad=True)
    >>> lab.autograd.gradgradcheck(lambda x: x ** 3, [x])
    True
    """
    inputs = _tuple(inputs)
    outputs = [o for o in _tuple(func(*inputs)) if isinstance(o, Tensor) and o.requires_grad]
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        grad_outputs = [wrap(rng.standard_normal(o.shape).astype(o._a.dtype)).requires_grad_() for o in outputs]
    else:
        grad_outputs = list(_tuple(grad_outputs))
    count = len(inputs)

    def first_gradients(*args):
        values = args[:count]
        made = [o for o in _tuple(func(*values)) if isinstance(o, Tensor) and o.requires_grad]
        wanted = [v for v in values if isinstance(v, Tensor) and v.requires_grad]
        return tuple(g for g in autograd_grad(made, wanted, list(args[count:]), create_graph=True, allow_unused=True) if g is not None and g.requires_grad)

    return gradcheck(first_gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol)


def _tuple(value) -> tuple:
    return value if isinstance(value, tuple) else tuple(value) if isinstance(value, list) else (value,)


def _check(func, inputs, eps, atol, rtol, nondet_tol) -> None:
    checked = [v for v in inputs if isinstance(v, Tensor) and v.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.")
    for i, value in enumerate(checked):
        if value.dtype.name not in ("float64", "complex128"):
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely fail if all the inputs are "
                          "not of double precision floating point or complex.", UserWarning, stacklevel=4)
        value.retain_grad()
    with enable_grad():
        outputs = [o for o in _tuple(func(*inputs)) if isinstance(o, Tensor)]
    for number, output in enumerate(outputs):
        if not output.requires_grad:
            continue
        # The loss behind each column is Re(conj(start) * output[k]): for real outputs one start says all.
        for start in (1, 1j) if output.is_complex() else (1,):
            analytic = _analytic(output, checked, start)
            again = _analytic(output, checked, start)
            for i, (a, b) in enumerate(zip(analytic, again, strict=True)):
                if np.abs(a - b).max(initial=0) > nondet_tol:
                    raise GradcheckError(f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values (input {i}).")
            for i, value in enumerate(checked):
                numeric = _numeric(func, inputs, value, number, output, eps, start)
                if not np.allclose(analytic[i], numeric, rtol, atol, equal_nan=True):
                    raise GradcheckError(f"Jacobian mismatch for output {number} with respect to input {i},\nnumerical:{numeric}\nanalytical:{analytic[i]}\n")


def _analytic(output, checked, start) -> list:
    """The gradients of each output element, (input elements, output elements), one backward pass per column."""
    jacobians = [np.zeros((v.numel(), output.numel()), v._a.dtype) for v in checked]
    for k in range(output.numel()):
        first = np.zeros(output.numel(), output._a.dtype)
        first[k] = start
        found = autograd_grad(output, checked, wrap(first.reshape(output.shape)), retain_graph=True, allow_unused=True)
        for jacobian, value in zip(jacobians, found, strict=True):
            if value is not None:
                jacobian[:, k] = np.asarray(value.detach()._a).reshape(-1)
    return jacobians


def _numeric(func, inputs, value, number, output, eps, start) -> np.ndarray:
    """The same by central differences, nudging one entry of `value` at a time.

    A complex entry is nudged along both axes: PyTorch's gradient of a real loss L is dL/da + i dL/db.
    """
    jacobian = np.zeros((value.numel(), output.numel()), value._a.dtype)
    array = value._array()
    # Recording stays on: `func` may itself take gradients. The writes below bypass the tape on purpose.
    for k, place in enumerate(np.ndindex(array.shape)):
        before = array[place].copy()
        for direction in (1, 1j) if array.dtype.kind == "c" else (1,):
            array[place] = before + eps * direction
            up = np.array(_tensors(func(*inputs))[number]._a)
            array[place] = before - eps * direction
            down = np.array(_tensors(func(*inputs))[number]._a)
            array[place] = before
            jacobian[k] += (direction * np.real(np.conj(start) * (up - down) / (2 * eps))).reshape(-1)
    return jacobian


def _tensors(value) -> list:
    return [o for o in _tuple(value) if isinstance(o, Tensor)]
