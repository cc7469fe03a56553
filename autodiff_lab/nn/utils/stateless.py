"""Calling a module with other tensors in the place of its own."""

from __future__ import annotations

import contextlib

from ...core.errors import caution

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False):
    """The older name of `func.functional_call`, which warns."""
    caution("`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future version of PyTorch. "
            "Please use `torch.func.functional_call` instead which is a drop-in replacement.", FutureWarning)
    return call_with(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)


def call_with(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights: bool = True, strict: bool = False):
    """`module(*args, **kwargs)` with the given tensors instead of its parameters and buffers.

    Args:
        parameter_and_buffer_dicts: tensors by path; a dictionary or several. A dictionary is given what the module assigned anew, such as a counter.
        tie_weights: a tensor given for one name of a shared parameter stands for all its names.
        strict: refuse paths that are missing or unknown.

    >>> import autodiff_lab as lab
    >>> layer = lab.nn.Linear(1, 1, bias=False)
    >>> lab.func.functional_call(layer, {"weight": lab.tensor([[2.0]])}, lab.tensor([3.0]))
    tensor([6.])
    """
    given = dict(parameter_and_buffer_dicts) if isinstance(parameter_and_buffer_dicts, dict) else {}
    if not isinstance(parameter_and_buffer_dicts, dict):
        if not isinstance(parameter_and_buffer_dicts, (list, tuple)):
            raise ValueError(f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(parameter_and_buffer_dicts)}")
        for each in parameter_and_buffer_dicts:
            repeated = set(given) & set(each)
            if repeated:
                raise ValueError(f"{sorted(repeated)[0]} appears in multiple dictionaries; behavior of functional call is ambiguous")
            given.update(each)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    told = parameter_and_buffer_dicts if isinstance(parameter_and_buffer_dicts, dict) else {}
    with _swapped(module, given, tie_weights, strict, told):
        return module(*args, **(kwargs or {}))


@contextlib.contextmanager
def _swapped(module, given: dict, tie_weights: bool, strict: bool, told: dict):
    own = {**dict(module.named_parameters(remove_duplicate=False)), **dict(module.named_buffers(remove_duplicate=False))}
    if tie_weights:
        by_tensor = {id(own[name]): value for name, value in given.items() if name in own}
        for name, tensor in own.items():
            if name not in given and id(tensor) in by_tensor:
                given[name] = by_tensor[id(tensor)]
    if strict:
        unknown, missing = [n for n in given if n not in own], [n for n in own if n not in given]
        if unknown or missing:
            parts = ([f"Unexpected key(s): {', '.join(unknown)}."] if unknown else []) + ([f"Missing key(s): {', '.join(missing)}."] if missing else [])
            raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(parts))
    undo = []
    try:
        for name, value in given.items():
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            place = owner._parameters if last in owner._parameters else owner._buffers if last in owner._buffers else None
            if place is None:
                if hasattr(owner, last):
                    raise TypeError(f"{name} is not a parameter or buffer.")
                raise AttributeError(f"{type(owner).__name__} has no attribute `{last}`")
            undo.append((name, place, last, place[last]))
            place[last] = value
        yield
    finally:
        for name, place, last, value in reversed(undo):
            if name in told:
                told[name] = place[last]
            place[last] = value
