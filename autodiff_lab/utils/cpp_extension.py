"""Extensions in C++ and CUDA are compiled against PyTorch: refused when they are built, so that a program that can do without goes on."""

from __future__ import annotations

__all__ = ["BuildExtension", "CUDAExtension", "CUDA_HOME", "CppExtension", "IS_WINDOWS", "include_paths", "load", "load_inline"]

CUDA_HOME = CUDNN_HOME = ROCM_HOME = None
IS_WINDOWS = False


def load(name: str, *args, **kwargs):
    """Refused."""
    raise RuntimeError(f"cpp_extension: {name!r} is not built. An extension in C++ or CUDA is compiled against PyTorch; write the same in Python with tensors.")


load_inline = CppExtension = CUDAExtension = include_paths = load


class BuildExtension:
    """Refused: what setup.py files would build with."""

    def __init__(self, *args, **kwargs):
        load("the extension")

    @classmethod
    def with_options(cls, **options):
        """The class itself."""
        return cls
