"""All parameters as one vector, and back."""

from __future__ import annotations

from ...core.op import public
from ...core.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters) -> Tensor:
    """All numbers of all parameters in one vector.

    >>> import autodiff_lab as lab
    >>> lab.nn.utils.parameters_to_vector(lab.nn.Linear(2, 3).parameters()).shape
    torch.Size([9])
    """
    return public[""]["cat"]([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters) -> None:
    """Put the numbers of a vector into the parameters, in order.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.Linear(2, 1)
    >>> lab.nn.utils.vector_to_parameters(lab.tensor([1.0, 2.0, 3.0]), m.parameters())
    >>> m.bias.detach()
    tensor([3.])
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    at = 0
    for param in parameters:
        n = param.numel()
        param.data = vec[at:at + n].reshape(tuple(param.shape)).data
        at += n
