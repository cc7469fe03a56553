"""Training in several processes: not here. Programs that ask learn that it is not available."""

from __future__ import annotations

__all__ = ["get_rank", "get_world_size", "init_process_group", "is_available", "is_initialized"]


def is_available() -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


def _refused(*args, **kwargs):
    """Refused: this library trains in one process."""
    raise RuntimeError("torch.distributed is not here: this library trains in one process. Leave out init_process_group and DistributedDataParallel; "
                       "the rest of the program then runs as it is.")


init_process_group = destroy_process_group = get_rank = get_world_size = barrier = all_reduce = all_gather = broadcast = new_group = _refused
