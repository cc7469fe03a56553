"""How much of PyTorch is here: `python tests/parity/table.py [--samples] [--left-out]`.

Prints, for each namespace, how many of the dense, single-machine names are present and which are not; what programs
use; with --left-out the names that are not counted, with the reason; with --samples the agreement of every operator
over PyTorch's own samples (values, types, gradients, second gradients, refusals), which takes minutes.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import names


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--left-out", action="store_true", help="list the names that are not counted, with the reason")
    options.add_argument("--samples", action="store_true", help="also compare every operator over PyTorch's samples")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    usage()
    try:
        import torch
    except ImportError:
        print("\nPyTorch is not installed: its names cannot be counted (make test EXTRAS=oracle installs it).")
        return
    print(f"\nNames of PyTorch {torch.__version__}, dense and for one machine")
    reasons: dict[str, list[str]] = {}
    sums = [0, 0]
    for namespace in names.NAMESPACES:
        counted, missing, left_out = names.compare(torch, namespace)
        for reason, found in left_out.items():
            reasons.setdefault(reason, []).extend(f"{namespace}.{n}".lstrip(".") for n in found)
        sums = [sums[0] + len(counted) - len(missing), sums[1] + len(counted)]
        print(row(f"torch.{namespace}".rstrip(".") if namespace else "torch.*", len(counted) - len(missing), len(counted)), " ".join(missing))
    print(row("all", *sums))
    print(f"\nNot counted: {sum(map(len, reasons.values()))} names")
    for reason, found in reasons.items():
        print(f"  {len(found):4}  {reason}" + (":\n        " + " ".join(found) if chosen.left_out else ""))
    if chosen.samples:
        samples()


def row(label: str, have: int, count: int) -> str:
    return f"  {label:28} {have:4} of {count:4}  {100 * have / max(count, 1):5.1f} %  "


def usage() -> None:
    """What programs reach, by how many use it."""
    found = names.used()
    print("Names that 277 public programs use")
    for least in (3, 2, 1):
        some = [name for count, name, _ in found if count >= least]
        missing = [name for name in some if not names.present(name)]
        print(row(f"by {least} or more", len(some) - len(missing), len(some)), " ".join(missing))


def samples() -> None:
    """Every operator over PyTorch's own table of samples."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))
    import oracle

    print("\nOperators over PyTorch's samples; those that differ, with what differs")
    sys.stdout.flush()
    oracle.main([])


if __name__ == "__main__":
    main()
