"""Loops and branches as functions, under PyTorch's path. They stand in loops.py, as imports of PyTorch's deeper paths put modules over names of this one."""

from .loops import associative_scan, cond, map, scan, while_loop

__all__ = ["associative_scan", "cond", "map", "scan", "while_loop"]
