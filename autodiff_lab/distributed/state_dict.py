"""State dicts whatever the number of processes: with one, which is what there is here, they are the module's and the optimizer's own."""

from __future__ import annotations

from dataclasses import dataclass

from .refusal import refused_class

__all__ = ["StateDictOptions", "get_model_state_dict", "set_model_state_dict"]


@dataclass
class StateDictOptions:
    """What programs ask for. `strict` counts here, and `ignore_frozen_params`; the others are about several processes."""

    full_state_dict: bool = False
    cpu_offload: bool = False
    ignore_frozen_params: bool = False
    keep_submodule_prefixes: bool = True
    strict: bool = True
    broadcast_from_rank0: bool = False
    flatten_optimizer_state_dict: bool = False
    dsd_fqn_modifiers: str = "_fqn_modifiers"


def get_model_state_dict(model, *, submodules=None, options: StateDictOptions | None = None) -> dict:
    """`model.state_dict()`, without frozen parameters if the options say so.

    >>> import autodiff_lab as lab
    >>> list(get_model_state_dict(lab.nn.Linear(2, 1)))
    ['weight', 'bias']
    """
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad} if options is not None and options.ignore_frozen_params else ()
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def set_model_state_dict(model, model_state_dict: dict, *, options: StateDictOptions | None = None):
    """`model.load_state_dict(...)`, strictly unless the options say otherwise."""
    return model.load_state_dict(model_state_dict, strict=options is None or options.strict)


def __getattr__(name: str):
    """What PyTorch has and is not here, which is refused when used."""
    if name.startswith("__"):
        raise AttributeError(name)
    return globals().setdefault(name, refused_class(name))
