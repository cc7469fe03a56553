"""Time and memory of every notebook, each run from a fresh kernel: `python benchmarks/notebooks.py [NOTEBOOK...]`.

Exits with 1 if one takes more than 60 s or 600 MB (the most memory that the kernel held at any moment).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
SECONDS, MEGABYTES = 60, 600
# The last thing a kernel is asked: the most memory that it ever held, and how long it computed.
ASK = """import resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10), used.ru_utime + used.ru_stime)"""


def measure(path: Path) -> tuple[float, float, float, int]:
    """Seconds by the clock and of the processor, megabytes, and code cells of one notebook."""
    notebook = nbformat.read(path, as_version=4)
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    notebook.cells.append(nbformat.v4.new_code_cell(ASK))
    began = time.monotonic()
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    megabytes, computed = map(float, "".join(out.text for out in notebook.cells[-1].outputs if out.output_type == "stream").split())
    return time.monotonic() - began, computed, megabytes, cells


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    notebooks = parser.parse_args().notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    print(f"{'notebook':<44} {'cells':>5} {'seconds':>8} {'of CPU':>7} {'MB':>6} {'file kB':>8}")
    over = []
    for path in notebooks:
        seconds, computed, megabytes, cells = measure(path)
        print(f"{path.stem:<44} {cells:>5} {seconds:>8.1f} {computed:>7.1f} {megabytes:>6.0f} {path.stat().st_size / 1000:>8.0f}", flush=True)
        if seconds > SECONDS or megabytes > MEGABYTES:
            over.append(path.stem)
    if over:
        print(f"Over {SECONDS} s or {MEGABYTES} MB: {', '.join(over)}.", file=sys.stderr)
    return int(bool(over))


if __name__ == "__main__":
    raise SystemExit(main())
