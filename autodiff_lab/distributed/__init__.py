"""Training in several processes: not here. Programs that ask learn that it is not available."""

from __future__ import annotations

import enum
import types

from .refusal import _refused, refused_class, refused_module

__all__ = ["get_rank", "get_world_size", "init_process_group", "is_available", "is_initialized"]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


class ReduceOp(enum.Enum):
    """How PyTorch joins the tensors of several processes."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


class ZeroRedundancyOptimizer:
    """Refused: this library trains in one process."""

    def __init__(self, *args, **kwargs):
        _refused()


class ProcessGroup:
    """A group of processes: nothing is an instance of it."""


class Backend(str):
    """The name of what carries messages between processes."""

    GLOO, NCCL, MPI, UNDEFINED = "gloo", "nccl", "mpi", "undefined"


class group:
    """Groups of processes: there is none."""

    WORLD = None


init_process_group = destroy_process_group = get_rank = get_world_size = barrier = all_reduce = all_gather = broadcast = new_group = all_gather_object = broadcast_object_list = reduce = gather = scatter = send = recv = _refused
nn = types.SimpleNamespace(all_reduce=_refused, all_gather=_refused, broadcast=_refused, reduce=_refused)
all_gather_into_tensor = all_to_all = all_to_all_single = get_backend = get_global_rank = get_process_group_ranks = irecv = isend = monitored_barrier = _refused
batch_isend_irecv = init_device_mesh = is_backend_available = split_group = all_gather_coalesced = all_reduce_coalesced = get_group_rank = get_process_group_info = _refused
reduce_scatter = reduce_scatter_tensor = scatter_object_list = gather_object = FileStore = HashStore = TCPStore = PrefixStore = _refused

from . import fsdp, tensor  # noqa: E402 - they are below this module

assert fsdp and tensor


_BELOW = ("algorithms", "autograd", "checkpoint", "constants", "elastic", "launcher", "pipelining", "rpc", "run", "utils")


def __getattr__(name: str):
    """Classes of PyTorch that are not named above, which can be asked for by isinstance and not made, and modules of such."""
    if not name[0].isupper() and name not in _BELOW:
        raise AttributeError(f"module 'torch.distributed' has no attribute '{name}'")
    return globals().setdefault(name, refused_module(f"torch.distributed.{name}") if name in _BELOW else refused_class(name))
