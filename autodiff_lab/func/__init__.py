"""Functions that transform functions: `grad`, `vjp`, `jvp`, `jacrev`, `jacfwd`, `hessian`, `linearize`, `vmap`, `functional_call`.

Each runs the ordinary tape, so they nest: `grad(grad(f))` is the second derivative. What they return has no history
unless something outside them wants a gradient too: an enclosing transform, or a variable that the function uses.
"""

from __future__ import annotations

import functools

from ..autograd.engine import grad as _autograd_grad
from ..autograd.forward_ad import Level, leaves_behind, mark, pushed, settled, wanted_outside
from ..core.modes import enable_grad, modes
from ..core.op import public
from ..core.tensor import Tensor
from ..utils._pytree import tree_flatten, tree_map, tree_unflatten
from .batching import vmap
from .levels import bottom, bring_back, deep, running, through
from .trees import leaves, rebuild

__all__ = ["functional_call", "functionalize", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap"]

_all = public[""]


def _is_differentiable(value) -> bool:
    return isinstance(value, Tensor) and (value.is_floating_point() or value.is_complex())


class _Pass:
    """One run of a function on fresh copies of its arguments, and whether anybody outside wants gradients of what it gives."""

    alive = True  # until the function has returned: what it calls must record for us

    def __init__(self, tree):
        self.recording = modes.grad
        self.running = running()
        self.tree = tree_map(self._renewed, tree)
        self.inputs = [self._bottom(v) for v in leaves(self.tree) if isinstance(v, Tensor) and v.requires_grad]
        self.own = [v for v in self.inputs if v._node is None]

    def _renewed(self, value):
        if not _is_differentiable(value):
            return value
        plain = self._bottom(value)
        return self._back(plain.view_as(plain) if plain.requires_grad and self.recording else mark(plain.detach().requires_grad_(), self))

    def _bottom(self, value):
        """The plain tensor behind `value`: within a vmap, one for each sample, as each has a gradient of its own."""
        return bottom(value, self.running)

    def _back(self, value):
        return bring_back(value, self.running)

    def __enter__(self) -> _Pass:
        self._mode = enable_grad()
        self._mode.__enter__()
        return self

    def __exit__(self, *exception) -> None:
        self._mode.__exit__(*exception)
        self.alive = False

    def watched(self, values) -> bool:
        """True if gradients of `values` with respect to something outside are wanted."""
        return self.recording and wanted_outside(deep(values), self.own)

    def settled(self, tree):
        """The tree with tensors that carry no history, unless somebody outside wants it."""
        return tree_map(lambda v: through(lambda plain: settled(plain, self.own, self.recording), v), tree)

    def gradients(self, outputs, vectors, create_graph: bool):
        """Gradients for the tensors of the arguments, in their nesting; zeros where there is no path."""
        pairs = [(self._bottom(o), self._bottom(v)) for o, v in zip(outputs, vectors, strict=True) if o.requires_grad]
        found = _autograd_grad([o for o, _ in pairs], self.inputs, [v for _, v in pairs], create_graph=create_graph, retain_graph=True,
                               allow_unused=True) if pairs and self.inputs else [None] * len(self.inputs)
        by_id = {id(w): g for w, g in zip(self.inputs, found, strict=True)}

        def gradient(value):
            known = by_id.get(id(deep(value)))
            return self._back(known) if known is not None else _all["zeros_like"](value, requires_grad=False) if isinstance(value, Tensor) else value
        return tree_map(gradient, self.tree)


def _numbers(argnums, count: int) -> tuple:
    """The positions of the arguments to differentiate.

    Raises:
        RuntimeError: if one is no position, or there is none.
    """
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for n in numbers:
        if not isinstance(n, int):
            raise RuntimeError(f"argnum must be int, got: {type(n)}")
        if not -count <= n < count:
            raise RuntimeError(f"Got argnum={n}, but only {count} positional inputs")
    numbers = tuple(n % count for n in numbers)
    if not numbers:
        raise RuntimeError("argnums must be non-empty")
    if len(set(numbers)) != len(numbers):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return numbers


def _placed(args, numbers, values) -> list:
    """The arguments with those at `numbers` replaced."""
    args = list(args)
    for n, value in zip(numbers, values, strict=True):
        args[n] = value
    return args


def _apart(result, has_aux: bool, api: str):
    """A result and what came beside it."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


def _refuse_complex(api: str, tree, is_input: bool) -> None:
    for i, value in enumerate(leaves(tree)):
        if isinstance(value, Tensor) and value.is_complex():
            raise RuntimeError(f"{api}: Expected all {'inputs' if is_input else 'outputs'} to be real but received complex tensor at flattened {'input' if is_input else 'output'} idx: {i}")


def grad_and_value(func, argnums=0, has_aux: bool = False):
    """A function that returns the gradient of `func` with respect to the arguments `argnums`, and its value.

    >>> import autodiff_lab as lab
    >>> lab.func.grad_and_value(lambda x: x ** 3)(lab.tensor(2.0))
    (tensor(12.), tensor(8.))
    """
    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        numbers = _numbers(argnums, len(args))
        with _Pass(tuple(args[n] for n in numbers)) as run:
            output, aux = _apart(func(*_placed(args, numbers, run.tree), **kwargs), has_aux, "grad_and_value(f)(*args)")
            if not isinstance(output, Tensor):
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
            if output.ndim:
                raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {output.ndim} dims. "
                                   "Maybe you wanted to use the vjp or jacrev APIs instead?")
            found = run.gradients([output], [_all["ones_like"](output)], run.watched([output]))
        found = found[0] if isinstance(argnums, int) else found
        found, output, aux = run.settled((found, output, aux))
        return (found, (output, aux)) if has_aux else (found, output)
    return wrapped


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
    with _Pass(primals) as run:
        output, aux = _apart(func(*run.tree), has_aux, "vjp(f, *primals)")
    outputs, spec = tree_flatten(output)
    for each in outputs:
        if not isinstance(each, Tensor):
            raise RuntimeError(f"vjp(f, *primals): Expected f(*primals) to return only tensors, got unsupported type {type(each)}")
        if not _is_differentiable(each):
            raise RuntimeError(f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {each.dtype}")
    watched = run.watched(outputs)

    def pull(cotangents, retain_graph: bool = True, create_graph=None):
        vectors, given = tree_flatten(cotangents)
        if given != spec:
            raise RuntimeError(f"Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. cotangents: {_shown(given)}, "
                               f"primal output: {_shown(spec)}")
        with enable_grad():
            found = run.gradients(outputs, vectors, watched or run.recording and bool(leaves_behind(vectors)))
        return tuple(run.settled(found))

    shown = run.settled(output)
    return (shown, pull, run.settled(aux)) if has_aux else (shown, pull)


def _shown(spec) -> str:
    """A nesting with a star for each leaf, e.g. (*, *)."""
    class Star:
        def __repr__(self):
            return "*"
    return repr(tree_unflatten([Star()] * spec.num_leaves, spec))


def jvp(func, primals, tangents, *, strict: bool = False, has_aux: bool = False):
    """`func(*primals)` and its directional derivative along `tangents`.

    Raises:
        RuntimeError: if `primals` is no tuple or `tangents` are nested otherwise; with `strict`, if an output does not depend on the inputs.

    >>> import autodiff_lab as lab
    >>> lab.func.jvp(lambda x: x ** 2, (lab.tensor([1.0, 3.0]),), (lab.tensor([1.0, 0.0]),))
    (tensor([1., 9.]), tensor([2., 0.]))
    """
    api = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{api}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    flat, spec = tree_flatten(primals)
    directions, given = tree_flatten(tangents)
    if spec != given:
        raise RuntimeError(f"{api}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, tangents also "
                           f"must be. Got primals with structure {spec} and tangents with structure {given}")
    _need_tensors(flat, api, "primals")
    _need_tensors(directions, api, "tangents")
    recording, within = modes.grad, running()
    with Level() as level:
        duals = tree_unflatten([bring_back(level.dual(bottom(p, within), bottom(t, within)), within) for p, t in zip(flat, directions, strict=True)], spec)
        output, aux = _apart(func(*duals), has_aux, api)
        outputs, out_spec = tree_flatten(output)
        for each in outputs:
            if not isinstance(each, Tensor):
                raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(each)}")
        plain = [bottom(each, within) for each in outputs]
        push = pushed(plain, level.leaves)
        slopes = push(level.tangents)
    if strict and any(slope is None for slope in slopes):
        raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with strict=True.")
    own = level.leaves + push.own
    slopes = [bring_back(_all["zeros_like"](o, requires_grad=False) if slope is None else slope, within) for o, slope in zip(plain, slopes, strict=True)]
    shown, found, aux = (tree_map(lambda v: through(lambda plain: settled(plain, own, recording), v), each) for each in (output, tree_unflatten(slopes, out_spec), aux))
    return (shown, found, aux) if has_aux else (shown, found)


def _need_tensors(values: list, api: str, name: str) -> None:
    if not values:
        raise RuntimeError(f"{api}: Expected {name} to contain at least one Tensor.")
    for value in values:
        if not isinstance(value, Tensor):
            raise RuntimeError(f"{api}: Expected {name} to only contain Tensors, got {type(value)}")


def linearize(func, *primals):
    """`func(*primals)`, and the function from tangents of `primals` to the tangent of the result, which does not run `func` again.

    >>> import autodiff_lab as lab
    >>> value, push = lab.func.linearize(lab.sin, lab.tensor([0.0, 1.0]))
    >>> push(lab.tensor([1.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    with _Pass(primals) as run:
        output = func(*run.tree)
    outputs, spec = tree_flatten(output)
    _need_tensors(outputs, "linearize(f, *primals)", "the output of f")
    push = pushed(outputs, run.inputs)

    def along(*tangents):
        flat, given = tree_flatten(tangents)
        if given != tree_flatten(primals)[1]:
            raise RuntimeError(f"Expected the tangents {given} to have the same structure as the primals {tree_flatten(primals)[1]}")
        wanted = [t for t, v in zip(flat, leaves(run.tree), strict=True) if isinstance(v, Tensor) and v.requires_grad]
        slopes = [_all["zeros_like"](o, requires_grad=False) if slope is None else slope for o, slope in zip(outputs, push(wanted), strict=True)]
        return tree_unflatten([settled(slope, run.own + push.own, run.recording) for slope in slopes], spec)

    return run.settled(output), along


def jacrev(func, argnums=0, *, has_aux: bool = False, chunk_size=None, _preallocate_and_copy: bool = False):
    """A function that returns the Jacobian of `func`, of shape output + input, one row at a time by going backward.

    >>> import autodiff_lab as lab
    >>> lab.func.jacrev(lambda x: x ** 2)(lab.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def wrapped(*args):
        _refuse_complex("jacrev", args, True)
        numbers = _numbers(argnums, len(args))
        with _Pass(tuple(args[n] for n in numbers)) as run:
            output, aux = _apart(func(*_placed(args, numbers, run.tree)), has_aux, "vjp(f, *primals)")
            outputs, spec = tree_flatten(output)
            _refuse_complex("jacrev", outputs, False)
            _need_tensors(outputs, "jacrev", "the output of f")
            watched = run.watched(outputs)
            blocks = [_jacobian_of(run, o, watched) for o in outputs]
        result = run.settled(tree_unflatten([block[0] if isinstance(argnums, int) else block for block in blocks], spec))
        return (result, run.settled(aux)) if has_aux else result
    return wrapped


def _jacobian_of(run: _Pass, output, watched: bool):
    """The derivatives of every element of `output`, nested as the arguments are."""
    rows = []
    for k in range(output.numel()):
        unit = output.new_zeros(output.numel(), requires_grad=False)
        unit[k] = 1
        rows.append(leaves(run.gradients([output], [unit.reshape(output.shape)], watched)))
    if not rows:
        return tree_map(lambda v: v.new_zeros((*output.shape, *v.shape)) if isinstance(v, Tensor) else v, run.tree)
    columns = [_all["stack"](list(column)).reshape((*output.shape, *column[0].shape)) if isinstance(column[0], Tensor) else column[0] for column in zip(*rows, strict=True)]
    return rebuild(run.tree, columns)


def jacfwd(func, argnums=0, has_aux: bool = False, *, randomness: str = "error"):
    """The same Jacobian, one column at a time by `jvp`: the cheaper way if there are few inputs.

    >>> import autodiff_lab as lab
    >>> lab.func.jacfwd(lambda x: x ** 2)(lab.tensor([1.0, 3.0]))
    tensor([[2., 0.],
            [0., 6.]])
    """
    @functools.wraps(func)
    def wrapped(*args):
        _refuse_complex("jacfwd", args, True)
        numbers = _numbers(argnums, len(args))
        chosen = tuple(args[n] for n in numbers)
        inputs, spec = tree_flatten(chosen)
        _need_tensors(inputs, "jacfwd", "the arguments")
        sizes = [v.numel() for v in inputs]
        total = sum(sizes)
        basis = [v.new_zeros(total, size).fill_diagonal_(0) for v, size in zip(inputs, sizes, strict=True)]
        start = 0
        for unit, size in zip(basis, sizes, strict=True):
            unit[start:start + size] = _all["eye"](size, dtype=unit.dtype, device=unit.device)
            start += size

        def push(*flat):
            directions = tree_unflatten([d.reshape(v.shape) for d, v in zip(flat, inputs, strict=True)], spec)
            found = jvp(lambda *values: func(*_placed(args, numbers, values)), chosen, directions, has_aux=has_aux)
            _refuse_complex("jacfwd", found[1], False)
            return found[1:]

        slopes, *aux = vmap(push, randomness=randomness)(*basis)

        def blocks(slope):
            parts = [part.movedim(0, -1).reshape((*slope.shape[1:], *v.shape)) for part, v in zip(slope.split(sizes), inputs, strict=True)]
            nested = tree_unflatten(parts, spec)
            return nested[0] if isinstance(argnums, int) else nested
        result = tree_map(blocks, slopes)
        return (result, tree_map(lambda v: v[0], aux[0])) if has_aux else result
    return wrapped


def hessian(func, argnums=0):
    """A function that returns the Hessian of `func`: the Jacobian, forward, of its gradient.

    >>> import autodiff_lab as lab
    >>> lab.func.hessian(lambda x: (x ** 3).sum())(lab.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False):
    """Call `module` with its parameters and buffers replaced by the given ones, by name.

    >>> import autodiff_lab as lab
    >>> model = lab.nn.Linear(2, 1)
    >>> lab.func.functional_call(model, {"weight": lab.ones(1, 2), "bias": lab.zeros(1)}, lab.tensor([3.0, 4.0]))
    tensor([7.])
    """
    from ..nn.utils.stateless import call_with as call

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


def functionalize(func, *, remove: str = "mutations"):
    """The function as it is: PyTorch's gives the same numbers, without writing in place on the way, which only a compiler can see.

    Raises:
        RuntimeError: for an unknown `remove`.

    >>> import autodiff_lab as lab
    >>> lab.func.functionalize(lambda x: x.clone().add_(1))(lab.tensor([1.0]))
    tensor([2.])
    """
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
                           "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced with their out-of-place equivalents.\n"
                           "     remove='mutations_and_views': In addition to the above, all aliasing operators {view} will be replaced with their non-aliasing "
                           "counterparts, {view}_copy.\n")
    return func


def replace_all_batch_norm_modules_(root):
    """Let every batch norm in `root` forget its running statistics, which a function over samples can't update. In place; returns `root`.

    >>> import autodiff_lab as lab
    >>> model = lab.func.replace_all_batch_norm_modules_(lab.nn.Sequential(lab.nn.BatchNorm1d(3)))
    >>> list(model.buffers())
    []
    """
    from ..nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
