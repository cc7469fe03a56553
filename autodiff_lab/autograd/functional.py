"""Whole derivatives of functions: Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from ..core.modes import enable_grad
from ..core.op import public
from ..core.tensor import Tensor
from .engine import grad as autograd_grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _prepare(inputs, create_graph: bool, name: str = "inputs"):
    """The inputs as a tuple of tensors that require a gradient, and whether one tensor was given."""
    single = isinstance(inputs, Tensor)
    values = (inputs,) if single else tuple(inputs)
    for i, value in enumerate(values):
        if not isinstance(value, Tensor):
            raise TypeError(f"The {name} given to the function must be either a Tensor or a tuple of Tensors but the value at index {i} has type {type(value)}.")
    fresh = tuple(v.view_as(v) if create_graph and v.requires_grad else v.detach().requires_grad_() for v in values)
    return fresh, single


def _outputs(func, inputs):
    outputs = func(*inputs)
    single = isinstance(outputs, Tensor)
    values = (outputs,) if single else tuple(outputs)
    for i, value in enumerate(values):
        if not isinstance(value, Tensor):
            raise TypeError(f"The outputs of the user-provided function must be either a Tensor or a tuple of Tensors but the value at index {i} has type {type(value)}.")
    return values, single


def _vector(v, like, like_single: bool, name: str):
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector v can only be None if the {name} contains a single Tensor with a single element." if like_single else
                               "The vector v can only be None if the user-provided function returns a single Tensor with a single element.")
        return (public[""]["ones_like"](like[0]),)
    values = (v,) if isinstance(v, Tensor) else tuple(v)
    if len(values) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(values)}.")
    for i, (a, b) in enumerate(zip(values, like, strict=True)):
        if a.shape != b.shape:
            raise RuntimeError(f"Entry {i} in v has invalid size: should be {b.shape} but got {a.shape}.")
    return values


def _grads(outputs, inputs, vectors, create_graph: bool, strict: bool):
    """Gradients with zeros where there is no path (an error if `strict`)."""
    pairs = [(o, v) for o, v in zip(outputs, vectors, strict=True) if o.requires_grad]
    if not pairs:
        if strict:
            raise RuntimeError("The outputs do not depend on the inputs: none of them requires a gradient.")
        return tuple(public[""]["zeros_like"](i) for i in inputs)
    found = autograd_grad([o for o, _ in pairs], inputs, [v for _, v in pairs], create_graph=create_graph, allow_unused=True, retain_graph=True)
    if strict and any(g is None for g in found):
        raise RuntimeError("The output of the user-provided function is independent of one of the inputs. This is not allowed in strict mode.")
    return tuple(public[""]["zeros_like"](i) if g is None else g for g, i in zip(found, inputs, strict=True))


def _finish(values, single: bool, create_graph: bool):
    values = tuple(values) if create_graph else tuple(v.detach() for v in values)
    return values[0] if single else values


def vjp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """`func(*inputs)` and the product of the vector `v` with its Jacobian.

    Shape: `v` has the shape of the output; the second result those of the inputs.

    >>> import autodiff_lab as lab
    >>> value, slopes = lab.autograd.functional.vjp(lambda x: x ** 2, lab.tensor([1.0, 3.0]), lab.tensor([1.0, 1.0]))
    >>> value, slopes
    (tensor([1., 9.]), tensor([2., 6.]))
    """
    with enable_grad():
        inputs, single = _prepare(inputs, create_graph)
        outputs, out_single = _outputs(func, inputs)
        vectors = _vector(v, outputs, False, "output")
        products = _grads(outputs, inputs, vectors, create_graph, strict)
    return _finish(outputs, out_single, create_graph), _finish(products, single, create_graph)


def jvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """`func(*inputs)` and the product of its Jacobian with the vector `v`, by differentiating backward twice.

    Shape: `v` has the shapes of the inputs; the second result that of the output.

    >>> import autodiff_lab as lab
    >>> lab.autograd.functional.jvp(lambda x: x ** 2, lab.tensor([1.0, 3.0]), lab.tensor([1.0, 0.0]))
    (tensor([1., 9.]), tensor([2., 0.]))
    """
    with enable_grad():
        inputs, single = _prepare(inputs, create_graph)
        vectors = _vector(v, inputs, single, "input")
        outputs, out_single = _outputs(func, inputs)
        dummies = tuple(public[""]["zeros_like"](o, requires_grad=True) for o in outputs)
        first = _grads(outputs, inputs, dummies, True, strict)
        products = _grads(first, dummies, vectors, create_graph, strict)
    return _finish(outputs, out_single, create_graph), _finish(products, out_single, create_graph)


def jacobian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False, strategy: str = "reverse-mode"):
    """The Jacobian of `func` at `inputs`: for each output and input, a tensor of shape output + input.

    >>> import autodiff_lab as lab
    >>> lab.autograd.functional.jacobian(lambda x: x * x, lab.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends to be more performant.')
    with enable_grad():
        inputs, single = _prepare(inputs, create_graph)
        outputs, out_single = _outputs(func, inputs)
        rows = []
        for output in outputs:
            flat = output.reshape(-1)
            columns: list[list] = [[] for _ in inputs]
            for k in range(flat.numel()):
                one = flat[k]
                for column, g in zip(columns, _grads((one,), inputs, (public[""]["ones_like"](one),), create_graph, strict), strict=True):
                    column.append(g)
            rows.append(tuple(
                (public[""]["stack"](column) if column else public[""]["zeros"](0, *i.shape, dtype=i.dtype)).reshape((*output.shape, *i.shape))
                for column, i in zip(columns, inputs, strict=True)))
    rows = [tuple(r if create_graph else r.detach() for r in row) for row in rows]
    shaped = tuple(row[0] if single else row for row in rows)
    return shaped[0] if out_single else shaped


def hessian(func, inputs, create_graph: bool = False, strict: bool = False, vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode"):
    """The matrix of second derivatives of a scalar function.

    Shape: the input's shape twice; for several inputs, a tuple of tuples of such blocks.

    >>> import autodiff_lab as lab
    >>> lab.autograd.functional.hessian(lambda x: (x ** 3).sum(), lab.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    single = isinstance(inputs, Tensor)

    def first(*values):
        output = func(*values)
        if not isinstance(output, Tensor) or output.numel() != 1:
            raise RuntimeError("The function given to hessian should return a single Tensor with a single element.")
        found = _grads((output.reshape(()),), values, (public[""]["ones_like"](output.reshape(())),), True, strict)
        return found[0] if single else found

    return jacobian(first, inputs, create_graph=create_graph, strict=strict)


def vhp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """`func(*inputs)`, a scalar, and the product of the vector `v` with its Hessian.

    >>> import autodiff_lab as lab
    >>> lab.autograd.functional.vhp(lambda x: (x ** 3).sum(), lab.tensor([1.0, 2.0]), lab.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        inputs, single = _prepare(inputs, create_graph)
        vectors = _vector(v, inputs, single, "input")
        outputs, out_single = _outputs(func, inputs)
        if not out_single or outputs[0].numel() != 1:
            raise RuntimeError("The function given to vhp should return a single Tensor with a single element.")
        first = _grads(outputs, inputs, tuple(public[""]["ones_like"](o) for o in outputs), True, strict)
        products = _grads(first, inputs, vectors, create_graph, strict)
    return _finish(outputs, out_single, create_graph), _finish(products, single, create_graph)


def hvp(func, inputs, v=None, create_graph: bool = False, strict: bool = False):
    """`func(*inputs)`, a scalar, and the product of its Hessian with the vector `v` (the same, since it is symmetric).

    >>> import autodiff_lab as lab
    >>> lab.autograd.functional.hvp(lambda x: (x ** 3).sum(), lab.tensor([1.0, 2.0]), lab.tensor([1.0, 1.0]))
    (tensor(9.), tensor([ 6., 12.]))
    """
    return vhp(func, inputs, v, create_graph, strict)
