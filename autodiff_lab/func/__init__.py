"""Functions that transform functions: `grad`, `vjp`, `jacrev`, `hessian`, `vmap`, `functional_call`.

Each runs the ordinary tape, so they nest: `grad(grad(f))` is the second derivative.
"""

from __future__ import annotations

import functools

from ..autograd.engine import grad as _autograd_grad
from ..core.modes import enable_grad
from ..core.op import public
from ..core.tensor import Tensor
from .batching import vmap
from .trees import leaves, rebuild

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "stack_module_state", "vjp", "vmap"]


def _fresh(tree):
    """The tree with its tensors replaced by ones that require a gradient and keep their own history."""
    def renew(value):
        if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
            return value
        return value.view_as(value) if value.requires_grad else value.detach().requires_grad_()
    return rebuild(tree, [renew(v) for v in leaves(tree)])


def _differentiable(tree) -> list:
    return [v for v in leaves(tree) if isinstance(v, Tensor) and v.requires_grad]


def _gradients(outputs, tree, vectors, create_graph: bool):
    """Gradients for the tensors of `tree`, in its shape; zeros where there is no path."""
    wanted = _differentiable(tree)
    pairs = [(o, v) for o, v in zip(outputs, vectors, strict=True) if o.requires_grad]
    found = _autograd_grad([o for o, _ in pairs], wanted, [v for _, v in pairs], create_graph=create_graph, retain_graph=True, allow_unused=True) if pairs and wanted else [None] * len(wanted)
    by_id = {id(w): g for w, g in zip(wanted, found, strict=True)}
    return rebuild(tree, [by_id.get(id(v)) if by_id.get(id(v)) is not None else public[""]["zeros_like"](v) if isinstance(v, Tensor) else v for v in leaves(tree)])


def _nested(args) -> bool:
    """True if somebody outside is differentiating too, so that our gradients must be recorded."""
    return any(isinstance(v, Tensor) and v.requires_grad for v in leaves(args))


def grad_and_value(func, argnums=0, has_aux: bool = False):
    """A function that returns the gradient of `func` with respect to the arguments `argnums`, and its value.

    >>> import autodiff_lab as lab
    >>> lab.func.grad_and_value(lambda x: x ** 3)(lab.tensor(2.0))
    (tensor(12.), tensor(8.))
    """
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        if any(n >= len(args) or n < -len(args) for n in numbers):
            raise RuntimeError(f"Got argnum={argnums}, but only {len(args)} positional inputs")
        outer = _nested((args, kwargs))
        with enable_grad():
            args = list(args)
            for n in numbers:
                args[n] = _fresh(args[n])
            output = func(*args, **kwargs)
            aux = None
            if has_aux:
                output, aux = output
            if not isinstance(output, Tensor) or output.numel() != 1 or output.ndim:
                given = f"{output.ndim} dims" if isinstance(output, Tensor) else type(output).__name__
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with {given}. Did you want to use vjp?"
                                   if isinstance(output, Tensor) else f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got {given}.")
            chosen = tuple(args[n] for n in numbers)
            found = _gradients([output], chosen, [public[""]["ones_like"](output)], True)
        found, output = _settle(found, outer), _settle(output, outer)
        found = found[0] if isinstance(argnums, int) else found
        return (found, (output, aux)) if has_aux else (found, output)
    return wrapped


def _settle(tree, keep: bool):
    return tree if keep else rebuild(tree, [v.detach() if isinstance(v, Tensor) else v for v in leaves(tree)])


def grad(func, argnums=0, has_aux: bool = False):
    """A function that returns the gradient of the scalar function `func`.

    >>> import autodiff_lab as lab
    >>> lab.func.grad(lab.func.grad(lab.sin))(lab.tensor(1.0))
    tensor(-0.8415)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found
    return wrapped


def vjp(func, *primals, has_aux: bool = False):
    """`func(*primals)` and a function from gradients of its outputs to gradients of `primals`.

    >>> import autodiff_lab as lab
    >>> value, back = lab.func.vjp(lambda x: x ** 2, lab.tensor([1.0, 3.0]))
    >>> value, back(lab.tensor([1.0, 1.0]))
    (tensor([1., 9.]), (tensor([2., 6.]),))
    """
    outer = _nested(primals)
    with enable_grad():
        fresh = _fresh(tuple(primals))
        output = func(*fresh)
        aux = None
        if has_aux:
            output, aux = output

    def pull(cotangents, retain_graph: bool = True, create_graph=None):
        with enable_grad():
            found = _gradients(leaves(output), fresh, leaves(cotangents), True)
        found = _settle(found, outer or _nested(cotangents))
        return tuple(found)

    shown = _settle(output, outer)
    return (shown, pull, aux) if has_aux else (shown, pull)


def jvp(func, primals, tangents, *, strict: bool = False, has_aux: bool = False):
    """`func(*primals)` and its directional derivative along `tangents`, by differentiating backward twice.

    >>> import autodiff_lab as lab
    >>> lab.func.jvp(lambda x: x ** 2, (lab.tensor([1.0, 3.0]),), (lab.tensor([1.0, 0.0]),))
    (tensor([1., 9.]), tensor([2., 0.]))
    """
    outer = _nested((primals, tangents))
    with enable_grad():
        fresh = _fresh(tuple(primals))
        output = func(*fresh)
        aux = None
        if has_aux:
            output, aux = output
        outputs = leaves(output)
        dummies = [public[""]["zeros_like"](o, requires_grad=True) for o in outputs]
        first = leaves(_gradients(outputs, fresh, dummies, True))
        found = leaves(_gradients([f for f in first if isinstance(f, Tensor)], tuple(dummies), list(leaves(tuple(tangents))), True))
    shown, product = _settle(output, outer), _settle(rebuild(output, found), outer)
    return (shown, product, aux) if has_aux else (shown, product)


def jacrev(func, argnums=0, *, has_aux: bool = False, chunk_size=None):
    """A function that returns the Jacobian of `func`, of shape output + input.

    >>> import autodiff_lab as lab
    >>> lab.func.jacrev(lambda x: x ** 2)(lab.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        outer = _nested((args, kwargs))
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        with enable_grad():
            args = list(args)
            for n in numbers:
                args[n] = _fresh(args[n])
            output = func(*args, **kwargs)
            aux = None
            if has_aux:
                output, aux = output
            chosen = tuple(args[n] for n in numbers)
            result = rebuild(output, [_jacobian_of(o, chosen, isinstance(argnums, int)) for o in leaves(output)])
        result = _settle(result, outer)
        return (result, aux) if has_aux else result
    return wrapped


def _jacobian_of(output, chosen, single: bool):
    flat = output.reshape(-1)
    rows = [_gradients([flat[k]], chosen, [public[""]["ones_like"](flat[k])], True) for k in range(flat.numel())]
    columns = [public[""]["stack"](list(column)).reshape(*output.shape, *column[0].shape) for column in zip(*(leaves(row) for row in rows), strict=True)]
    found = rebuild(chosen, columns)
    return found[0] if single else found


def jacfwd(func, argnums=0, has_aux: bool = False, *, randomness: str = "error"):
    """The same Jacobian; here computed backward, as `jacrev`.

    >>> import autodiff_lab as lab
    >>> lab.func.jacfwd(lambda x: x ** 2)(lab.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func, argnums=0):
    """A function that returns the Hessian of `func`.

    >>> import autodiff_lab as lab
    >>> lab.func.hessian(lambda x: (x ** 3).sum())(lab.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False):
    """Call `module` with its parameters and buffers replaced by the given ones, by name.

    >>> import autodiff_lab as lab
    >>> model = lab.nn.Linear(2, 1)
    >>> lab.func.functional_call(model, {"weight": lab.ones(1, 2), "bias": lab.zeros(1)}, lab.tensor([3.0, 4.0]))
    tensor([7.])
    """
    from ..nn.utils.stateless import functional_call as call

    given = parameter_and_buffer_dicts
    if isinstance(given, (list, tuple)):
        merged: dict = {}
        for each in given:
            merged.update(each)
        given = merged
    return call(module, given, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models):
    """The parameters and the buffers of equal modules, each stacked along a new first dimension.

    >>> import autodiff_lab as lab
    >>> models = [lab.nn.Linear(2, 3) for _ in range(5)]
    >>> params, buffers = lab.func.stack_module_state(models)
    >>> params["weight"].shape
    torch.Size([5, 3, 2])
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    stack = public[""]["stack"]
    params = {name: stack([dict(m.named_parameters())[name] for m in models]).detach().requires_grad_() for name, _ in models[0].named_parameters()}
    buffers = {name: stack([dict(m.named_buffers())[name] for m in models]) for name, _ in models[0].named_buffers()}
    return params, buffers
