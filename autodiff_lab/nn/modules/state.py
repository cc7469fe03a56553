"""State dicts: every parameter and persistent buffer by its path, out of a module and back into it."""

from __future__ import annotations

import collections
import warnings
from collections import OrderedDict

from ...core.modes import no_grad
from ...core.tensor import Tensor
from ..parameter import Parameter, is_lazy

__all__ = ["State"]

EXTRA = "_extra_state"


class _IncompatibleKeys(collections.namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found missing and unexpected."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


class State:
    """`state_dict` and `load_state_dict` of Module."""

    def get_extra_state(self):
        """Override to put more than tensors into the state dict; needs `set_extra_state` too."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state) -> None:
        """Override to take back what `get_extra_state` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not State.get_extra_state

    def _save_to_state_dict(self, destination, prefix: str, keep_vars: bool) -> None:
        """Put this module's own tensors, not its children's, into `destination`."""
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars or is_lazy(param) else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars or is_lazy(buffer) else buffer.detach()
        if self._has_extra_state():
            destination[prefix + EXTRA] = self.get_extra_state()

    def state_dict(self, *args, destination=None, prefix: str = "", keep_vars: bool = False):
        """All parameters and persistent buffers by path; the tensors share memory with the module.

        Args:
            prefix: put before every key.
            keep_vars: give the parameters themselves rather than detached ones.

        >>> import autodiff_lab as lab
        >>> list(lab.nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        if args:
            destination, prefix, keep_vars = (*args, *(destination, prefix, keep_vars)[len(args):])  # pyright: ignore[reportAssignmentType]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            returned = hook(self, destination, prefix, local)
            if getattr(hook, "_from_public_api", False):
                if returned is not None:
                    raise RuntimeError("state_dict post-hook must return None")
            elif returned is not None:
                destination = returned
        return destination

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) -> None:
        """Copy this module's own tensors from `state_dict`; note what is missing, unexpected or of a wrong size."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = {**self._parameters, **{k: v for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set}}
        for name, param in own.items():
            if param is None:
                continue
            key = prefix + name
            if key not in state_dict:
                if strict:
                    missing_keys.append(key)
                continue
            problem = self._take(name, key, param, state_dict[key], local_metadata.get("assign_to_params_buffers", False))
            if problem:
                error_msgs.append(problem)
        if self._has_extra_state():
            if prefix + EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + EXTRA])
            elif strict:
                missing_keys.append(prefix + EXTRA)
        elif strict and prefix + EXTRA in state_dict:
            unexpected_keys.append(prefix + EXTRA)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + EXTRA:
                    first = key[len(prefix):].split(".", 1)
                    if (len(first) > 1 and first[0] not in self._modules) or (len(first) == 1 and first[0] not in own):
                        unexpected_keys.append(key)

    def _take(self, name: str, key: str, param, value, assign: bool) -> str | None:
        """Copy or assign one value; returns what is wrong with it, if anything."""
        if not isinstance(value, Tensor):
            return (f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint but received {type(value)}')
        if is_lazy(value) and not is_lazy(param):
            return f'While copying the parameter named "{key}", the checkpoint holds a parameter that was never initialized; run the saved model once before saving.'
        if not is_lazy(param):
            if len(param.shape) == 0 and len(value.shape) == 1 and value.shape[0] == 1:
                value = value[0]  # checkpoints older than 0-dim tensors
            if value.shape != param.shape:
                return f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, the shape in current model is {param.shape}."
        elif not is_lazy(value):
            param.materialize(value.shape)
        if is_lazy(value):
            return None
        if assign:
            if isinstance(param, Parameter):
                value = Parameter(value, requires_grad=param.requires_grad) if not isinstance(value, Parameter) else value.requires_grad_(param.requires_grad)
            setattr(self, name, value)
            return None
        if param.is_meta and not value.is_meta:
            warnings.warn(f"for {key}: copying from a non-meta parameter in the checkpoint to a meta parameter in the current model, which is a no-op. (Did you mean to "
                          "pass `assign=True` to assign items in the state dictionary to their corresponding key in the module instead of copying them in place?)",
                          stacklevel=2)
        try:
            with no_grad():
                param.copy_(value)
        except Exception as error:
            return (f'While copying the parameter named "{key}", whose dimensions in the model are {param.size()} and whose dimensions in the checkpoint are '
                    f"{value.size()}, an exception occurred : {error.args}.")
        return None

    def load_state_dict(self, state_dict, strict: bool = True, assign: bool = False):
        """Copy parameters and buffers from `state_dict`.

        Args:
            strict: refuse keys that are missing here or there.
            assign: take the given tensors themselves instead of copying their numbers.

        Returns:
            Named tuple of `missing_keys` and `unexpected_keys`.

        Raises:
            RuntimeError: listing every missing, unexpected or wrongly sized entry.
        """
        if not isinstance(state_dict, collections.abc.Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, problems = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata

        def load(module, local, prefix=""):
            info = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                info["assign_to_params_buffers"] = True
            module._load_from_state_dict(local, prefix, info, True, missing, unexpected, problems)
            for name, child in module._modules.items():
                if child is not None:
                    inner = f"{prefix}{name}."
                    load(child, {k: v for k, v in local.items() if k.startswith(inner)}, inner)
            keys = _IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, keys) is not None:
                    raise AssertionError("Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new values, "
                                         "if incompatible_keys need to be modified, it should be done inplace.")

        load(self, state_dict)
        if strict:
            if unexpected:
                problems.insert(0, "Unexpected key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in unexpected)))
            if missing:
                problems.insert(0, "Missing key(s) in state_dict: {}. ".format(", ".join(f'"{k}"' for k in missing)))
        if problems:
            raise RuntimeError("Error(s) in loading state_dict for {}:\n\t{}".format(type(self).__name__, "\n\t".join(problems)))
        return _IncompatibleKeys(missing, unexpected)
