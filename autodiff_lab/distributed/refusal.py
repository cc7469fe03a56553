"""What every name here that would start or reach another process says."""

from __future__ import annotations

__all__: list[str] = []


def _refused(*args, **kwargs):
    """Refused: this library trains in one process."""
    raise RuntimeError("torch.distributed is not here: this library trains in one process. Leave out init_process_group and DistributedDataParallel; "
                       "the rest of the program then runs as it is.")


class _Refused:
    """What cannot be made here: nothing is an instance of it."""

    def __init__(self, *args, **kwargs):
        _refused()
