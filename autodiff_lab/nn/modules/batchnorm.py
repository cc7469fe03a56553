"""Batch and instance normalization as modules."""

from __future__ import annotations

from ...core.errors import caution
from ...core.op import public
from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter
from .lazy import LazyModuleMixin
from .module import Module

__all__ = ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LazyBatchNorm1d", "LazyBatchNorm2d",
           "LazyBatchNorm3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "SyncBatchNorm"]


class _NormBase(Module):
    """Weights, bias and running statistics of a normalization of channels."""

    _version = 2
    dimensions: tuple = ()

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
                 device=None, dtype=None, *, bias: bool = True):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        lab = public[""]
        self.register_parameter("weight", Parameter(lab["zeros"](num_features, device=device, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(lab["zeros"](num_features, device=device, dtype=dtype)) if affine and bias else None)
        track = track_running_stats
        self.register_buffer("running_mean", lab["zeros"](num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer("running_var", lab["ones"](num_features, device=device, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", lab["tensor"](0, device=device) if track else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, no statistics."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            if self.bias is not None:
                init.zeros_(self.bias)

    def _check_input_dim(self, input) -> None:
        if self.dimensions and input.dim() not in self.dimensions:
            raise ValueError(f"expected {' or '.join(f'{d}D' for d in self.dimensions)} input (got {input.dim()}D input)")

    def extra_repr(self) -> str:
        return (f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, bias={self.bias is not None}, "
                f"track_running_stats={self.track_running_stats}")

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) -> None:
        version = local_metadata.get("version", None)
        if (version is None or version < 2) and self.track_running_stats:
            key = prefix + "num_batches_tracked"
            if key not in state_dict:  # checkpoints older than this buffer
                counted = self.num_batches_tracked
                state_dict[key] = counted if counted is not None else public[""]["tensor"](0)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        share = 0.0 if self.momentum is None else self.momentum
        training, mean, var = self.training, self.running_mean, self.running_var
        if training and self.track_running_stats and (count := self.num_batches_tracked) is not None:
            count.add_(1)
            if self.momentum is None:  # a plain average over all batches
                share = 1.0 / float(count)
        by_batch = training or (mean is None and var is None)
        tracked = not training or self.track_running_stats
        return F.batch_norm(input, mean if tracked else None, var if tracked else None, self.weight, self.bias, by_batch, share, self.eps)


class BatchNorm1d(_BatchNorm):
    """Each feature of (N, C) or channel of (N, C, L) brought to mean 0 and variance 1 over the batch. See BatchNorm2d.

    Raises:
        ValueError: for one value per channel in training: its variance would be 0.

    >>> import autodiff_lab as lab
    >>> lab.nn.BatchNorm1d(1)(lab.tensor([[1.0], [3.0]])).detach()
    tensor([[-1.0000],
            [ 1.0000]])
    """

    dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    In evaluation the running statistics collected in training take the place of the batch's.

    Args:
        momentum: share of a batch in the running statistics; None for a plain average over all batches.
        affine: whether scale and shift are learned.
        track_running_stats: False uses the batch's statistics always.

    Shape: (N, C, H, W), and the same out. `weight`, `bias` and the running statistics are (C).

    Raises:
        ValueError: for one value per channel in training: its variance would be 0.

    Source: Ioffe and Szegedy (2015), Batch normalization.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.BatchNorm2d(1)
    >>> m(lab.tensor([[[[1.0, 3.0]]]])).detach()
    tensor([[[[-1.0000,  1.0000]]]])
    >>> m.running_mean  # a tenth of the batch's mean
    tensor([0.2000])
    """

    dimensions = (4,)


class BatchNorm3d(_BatchNorm):
    """Each channel of (N, C, D, H, W) brought to mean 0 and variance 1 over the batch. See BatchNorm2d.

    >>> import autodiff_lab as lab
    >>> lab.nn.BatchNorm3d(4)(lab.zeros(2, 4, 3, 3, 3)).shape
    torch.Size([2, 4, 3, 3, 3])
    """

    dimensions = (5,)


class SyncBatchNorm(_BatchNorm):
    """A BatchNorm of any dimension; in one process there is nobody to synchronise with.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.SyncBatchNorm.convert_sync_batchnorm(lab.nn.Sequential(lab.nn.BatchNorm1d(2)))
    >>> m
    Sequential(
      (0): SyncBatchNorm(2, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    )
    """

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True,
                 process_group=None, device=None, dtype=None, *, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input) -> None:
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group=None) -> Module:
        """The module, with a SyncBatchNorm of the same parameters and statistics for every BatchNorm in it."""
        made = module
        if isinstance(module, _BatchNorm):
            made = cls(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats, process_group, bias=module.bias is not None)
            made._parameters.update(module._parameters)
            made._buffers.update(module._buffers)
            made.training = module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made


class _InstanceNorm(_NormBase):
    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False, track_running_stats: bool = False,
                 device=None, dtype=None, *, bias: bool = True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = max(self.dimensions)
        channel = input.dim() - (batched - 1)
        if input.size(channel) != self.num_features:
            if self.affine:
                raise ValueError(f"expected input's size at dim={channel} to match num_features ({self.num_features}), but got: {input.size(channel)}.")
            caution(f"input's size at dim={channel} does not match num_features. You can silence this warning by not passing in num_features, "
                    "which is not used because affine=False")
        lone = input.dim() == batched - 1
        out = F.instance_norm(input.unsqueeze(0) if lone else input, self.running_mean, self.running_var, self.weight, self.bias,
                              self.training or not self.track_running_stats, self.momentum if self.momentum is not None else 0.0, self.eps)
        return out.squeeze(0) if lone else out


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sequence brought to mean 0 and variance 1.

    Shape: (N, C, L) or (C, L), and the same out.

    Source: Ulyanov, Vedaldi and Lempitsky (2016), Instance normalization.

    >>> import autodiff_lab as lab
    >>> lab.nn.InstanceNorm1d(1)(lab.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """

    dimensions = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each image brought to mean 0 and variance 1.

    Shape: (N, C, H, W) or (C, H, W), and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.InstanceNorm2d(4)(lab.zeros(2, 4, 3, 3)).shape
    torch.Size([2, 4, 3, 3])
    """

    dimensions = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each volume brought to mean 0 and variance 1.

    Shape: (N, C, D, H, W) or (C, D, H, W), and the same out.

    >>> import autodiff_lab as lab
    >>> lab.nn.InstanceNorm3d(4)(lab.zeros(2, 4, 3, 3, 3)).shape
    torch.Size([2, 4, 3, 3, 3])
    """

    dimensions = (4, 5)


class _LazyNorm(LazyModuleMixin):
    """A normalization that takes num_features from its first input."""

    def __init__(self, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True, track_running_stats: bool = True, device=None, dtype=None, *, bias: bool = True):
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self.weight = UninitializedParameter(device=device, dtype=dtype)
            if bias:
                self.bias = UninitializedParameter(device=device, dtype=dtype)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(device=device, dtype=dtype)
            self.running_var = UninitializedBuffer(device=device, dtype=dtype)
            self.num_batches_tracked = public[""]["tensor"](0, device=device)

    def reset_parameters(self) -> None:
        """Scale 1, shift 0, once the shape is known."""
        if not self.has_uninitialized_params() and self.num_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input) -> None:
        """Take the shape from the first input."""
        if not self.has_uninitialized_params():
            return
        dimensions = self.cls_to_become.dimensions
        is_instance = issubclass(self.cls_to_become, _InstanceNorm)
        self.num_features = input.shape[input.dim() - (max(dimensions) - 1)] if is_instance else input.shape[1]
        for value in (self.weight, self.bias, self.running_mean, self.running_var):
            if value is not None:
                value.materialize((self.num_features,))
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    """A BatchNorm1d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyBatchNorm1d()
    >>> m(lab.zeros(2, 5)).shape, m.weight.shape
    (torch.Size([2, 5]), torch.Size([5]))
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    """A BatchNorm2d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyBatchNorm2d()
    >>> m(lab.zeros(2, 5, 3, 3)).shape, m.weight.shape
    (torch.Size([2, 5, 3, 3]), torch.Size([5]))
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    """A BatchNorm3d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> m = lab.nn.LazyBatchNorm3d()
    >>> m(lab.zeros(2, 5, 3, 3, 3)).shape, m.weight.shape
    (torch.Size([2, 5, 3, 3, 3]), torch.Size([5]))
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    """An InstanceNorm1d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> lab.nn.LazyInstanceNorm1d()(lab.zeros(2, 5, 3)).shape
    torch.Size([2, 5, 3])
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    """An InstanceNorm2d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> lab.nn.LazyInstanceNorm2d()(lab.zeros(2, 5, 3, 3)).shape
    torch.Size([2, 5, 3, 3])
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    """An InstanceNorm3d that takes num_features from its first input.

    >>> import autodiff_lab as lab
    >>> lab.nn.LazyInstanceNorm3d()(lab.zeros(2, 5, 3, 3, 3)).shape
    torch.Size([2, 5, 3, 3, 3])
    """

    cls_to_become = InstanceNorm3d
