"""Random programs of views, in-place writes and gradient modes, run on any library with PyTorch's names.

An action is `(name, which tensor, which other, parameter, without recording)`, all small integers, so that
the same program runs on PyTorch and here.
"""

from __future__ import annotations

SHAPES = ((2, 3), (3,), (2, 2, 2), (1, 3), (), (4, 1))


def leaf(T, p):
    shape = SHAPES[p % len(SHAPES)]
    n = 1
    for size in shape:
        n *= size
    made = (T.arange(n, dtype=T.float64) * 0.5 - 1 + p * 0.1).reshape(shape).clone()
    return made.requires_grad_() if (p // len(SHAPES)) % 3 else made


def base_of(t):
    return t if t._base is None else t._base


def dim_of(t, p):
    return p % max(t.dim(), 1)


def slices(t, p):
    d = dim_of(t, p)
    return (slice(None),) * d + (slice(p % 2, None if p % 3 else 2, 1 + p % 2),)


VIEWS = {
    "select": lambda t, o, p: t[(slice(None),) * dim_of(t, p) + (p % 2,)],
    "slice": lambda t, o, p: t[slices(t, p)],
    "none": lambda t, o, p: t[None] if p % 2 else t[..., None],
    "alias": lambda t, o, p: t[...],
    "t": lambda t, o, p: t.t(),
    "transpose": lambda t, o, p: t.transpose(0, -1),
    "permute": lambda t, o, p: t.permute(tuple(reversed(range(t.dim())))),
    "view": lambda t, o, p: t.view(-1),
    "reshape": lambda t, o, p: t.reshape(-1),
    "flatten": lambda t, o, p: t.flatten(),
    "squeeze": lambda t, o, p: t.squeeze(),
    "squeeze dim": lambda t, o, p: t.squeeze(dim_of(t, p)),
    "unsqueeze": lambda t, o, p: t.unsqueeze(p % (t.dim() + 1)),
    "expand": lambda t, o, p: t.expand(2, *t.shape),
    "expand_as": lambda t, o, p: t.expand_as(o),
    "diagonal": lambda t, o, p: t.diagonal(p % 3 - 1),
    "narrow": lambda t, o, p: t.narrow(dim_of(t, p), 0, 1),
    "unfold": lambda t, o, p: t.unfold(dim_of(t, p), 1 + p % 2, 2),
    "movedim": lambda t, o, p: t.movedim(0, -1),
    "split": lambda t, o, p: t.split(1, dim_of(t, p))[p % 2],
    "chunk": lambda t, o, p: t.chunk(2)[0],
    "unbind": lambda t, o, p: t.unbind(dim_of(t, p))[0],
    "tensor_split": lambda t, o, p: t.tensor_split(2)[0],
    "as_strided": lambda t, o, p: t.as_strided((2,), (1,)),
    "contiguous": lambda t, o, p: t.contiguous(),
    "detach": lambda t, o, p: t.detach(),
    "data": lambda t, o, p: t.data,
}
COPIES = {
    "clone": lambda t, o, p: t.clone(),
    "mul": lambda t, o, p: t * 2,
    "mul tensor": lambda t, o, p: t * o,
    "sum": lambda t, o, p: t.sum(),
    "exp": lambda t, o, p: (t * 0.1).exp(),
    "index": lambda t, o, p: t[[0, 0]],
    "mask": lambda t, o, p: t[t > 0],
}
WRITES = {
    "mul_": lambda T, t, o, p: t.mul_(1.5),
    "imul": lambda T, t, o, p: t.__imul__(0.5),
    "add_": lambda T, t, o, p: t.add_(o),
    "add_ alpha": lambda T, t, o, p: t.add_(o, alpha=2),
    "mul_ tensor": lambda T, t, o, p: t.mul_(o),
    "sub_": lambda T, t, o, p: t.sub_(1.0),
    "div_": lambda T, t, o, p: t.div_(2.0),
    "tanh_": lambda T, t, o, p: t.tanh_(),
    "exp_": lambda T, t, o, p: t.mul_(0.1).exp_(),
    "sin_": lambda T, t, o, p: t.sin_(),
    "neg_": lambda T, t, o, p: t.neg_(),
    "zero_": lambda T, t, o, p: t.zero_(),
    "fill_": lambda T, t, o, p: t.fill_(p * 0.3),
    "fill_ tensor": lambda T, t, o, p: t.fill_(o.sum()),
    "copy_": lambda T, t, o, p: t.copy_(o),
    "masked_fill_": lambda T, t, o, p: t.masked_fill_(t > 0, 0.25),
    "set int": lambda T, t, o, p: t.__setitem__(p % 2, 0.7),
    "set slice": lambda T, t, o, p: t.__setitem__(slices(t, p), 0.7),
    "set tensor": lambda T, t, o, p: t.__setitem__(p % 2, o),
    "set all": lambda T, t, o, p: t.__setitem__(slice(None), o),
    "set list": lambda T, t, o, p: t.__setitem__([0, -1], o),
    "set mask": lambda T, t, o, p: t.unsqueeze(0).__setitem__(t.unsqueeze(0) > 0, 0.2),
    "set last": lambda T, t, o, p: t.__setitem__((..., -1), o.sum()),
    "index_fill_": lambda T, t, o, p: t.index_fill_(0, T.tensor([0]), 0.4),
    "cos_": lambda T, t, o, p: t.cos_(),
    "addcmul_": lambda T, t, o, p: t.addcmul_(o, o, value=0.5),
}
CHANGES = {
    "unsqueeze_": lambda T, t, o, p: t.unsqueeze_(p % (t.dim() + 1)),
    "squeeze_": lambda T, t, o, p: t.squeeze_(),
    "t_": lambda T, t, o, p: t.t_(),
    "transpose_": lambda T, t, o, p: t.transpose_(0, -1),
    "requires_grad_": lambda T, t, o, p: base_of(t).requires_grad_(),
}
NAMES = ("leaf", *VIEWS, *COPIES, *WRITES, *CHANGES)


def run(T, pool: list, action) -> str | None:
    """Do one action on the tensors of `pool`, adding what it makes. Returns the type of the error, if one was raised."""
    name, i, j, p, quiet = action
    t = pool[i % len(pool)] if pool else None
    o = pool[j % len(pool)] if pool else None
    previous = T.is_grad_enabled()
    T.set_grad_enabled(previous and (not quiet or name in CHANGES))
    try:
        if name == "leaf":
            pool.append(leaf(T, p))
        elif name in VIEWS:
            pool.append(VIEWS[name](t, o, p))
        elif name in COPIES:
            pool.append(COPIES[name](t, o, p))
        elif name in WRITES:
            if o is not t and base_of(o) is base_of(t):
                o = o.clone()  # reading what is being written depends on the order of elements in PyTorch
            WRITES[name](T, t, o, p)
        else:
            CHANGES[name](T, t, o, p)
    except Exception as error:  # which error it is, is what is compared
        return f"{type(error).__name__}: {error}"
    finally:
        T.set_grad_enabled(previous)
    return None


def gradients(T, pool: list):
    """The gradients of a sum over every tensor, for every leaf; or the error."""
    try:
        loss = None
        for k, t in enumerate(pool):
            if t.requires_grad:
                part = (t * (k + 1) * 0.3).sum()
                loss = part if loss is None else loss + part
        if loss is None:
            return None
        leaves = [t for t in pool if t.requires_grad and t.is_leaf and not t._is_view()]
        if not leaves:
            return None
        return [None if g is None else g.tolist() for g in T.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True)]
    except Exception as error:  # compared
        return f"{type(error).__name__}: {error}"
