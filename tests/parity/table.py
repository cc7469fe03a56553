"""How much of PyTorch is here: `python tests/parity/table.py [--samples] [--left-out]`.

Prints, for each namespace, how many of the dense, single-machine names are present and which are not; what programs
use; with --left-out the names that are not counted, with the reason. With --samples also, over PyTorch's own samples
and over ours, how many calls agree in value, dtype, gradient and second gradient, how many bad inputs are refused
with the same type of exception, and every exception with its reason; that takes minutes.
"""

from __future__ import annotations

import argparse
import pathlib
import re
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
    """How many calls agree with PyTorch, over its samples and over ours, and how many bad inputs are refused."""
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "ops"))
    import oracle
    import test_op_db as tests

    def excuse(name: str, line: str) -> str | None:
        return next((reason for pattern, reason in tests.KNOWN.get(name, {}).items() if re.search(pattern, line)), None)

    print("\nCalls that agree with PyTorch                " + "".join(f"{kind:>20}" for kind in (*oracle.KINDS, "bad input refused")))
    differ, excused = [], {}
    theirs, ours = ({kind: [0, 0, 0] for kind in (*oracle.KINDS, *more)} for more in (("refusal",), ()))
    operators = 0
    for info in oracle.table():
        name, mine = oracle.name_of(info), oracle.find(info)
        if mine is None or info.name in tests.UNDEFINED:
            continue
        operators += 1

        def known(line: str, name=name) -> bool:
            reason = excuse(name, line)
            if reason:
                excused.setdefault((name, reason), []).append(line)
            return reason is not None

        for dtype in oracle.DTYPES:
            if info.supports_dtype(dtype, "cpu"):
                grads = info.supports_autograd and (dtype.is_floating_point or dtype.is_complex)
                differ += [f"{name}: {line}" for line in oracle.count(info, mine, info.sample_inputs("cpu", dtype, requires_grad=grads), dtype, grads, theirs, known)]
        accepted = oracle.refusals(info, mine)
        cases = len(list(info.error_inputs("cpu"))) if info.error_inputs_func else 0
        right = cases - len(accepted)
        allowed = sum(known(line) for line in accepted)
        theirs["refusal"] = [x + y for x, y in zip(theirs["refusal"], (right, allowed, cases), strict=True)]
        differ += [f"{name}: {line}" for line in accepted if excuse(name, line) is None]
    print(counted(f"PyTorch's samples of {operators} operators", theirs))
    own = list(oracle.our_calls())
    for info, mine, calls in own:
        differ += [f"{info.name}: our {line}" for line in oracle.count(info, mine, calls, oracle.torch.float64, True, ours, lambda line, name=info.name: excuse(name, line) is not None)]
    print(counted(f"our samples of {len(own)} operators", ours))
    print("  (+n: differences on purpose, listed below with their reason)\n\nOn purpose")
    for (name, reason), lines in excused.items():
        print(f"  {name:28} {len(lines):4}  {reason}")
    print(f"\nDiffer: {len(differ)}")
    print("\n".join(f"  {line}" for line in differ))


def counted(label: str, totals: dict) -> str:
    """One row: agreeing (+ on purpose different) of compared."""
    cells = [f"{right}{f' +{allowed}' if allowed else ''} of {all_of_them}" for right, allowed, all_of_them in totals.values()]
    return f"  {label:42}" + "".join(f"{cell:>20}" for cell in cells)


if __name__ == "__main__":
    main()
