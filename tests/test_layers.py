"""Who may import whom (the house plan): every import statement of the library is walked, and one real import is watched."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "autodiff_lab"

# Each part of the library, and the parts that its files may import besides their own.
ENGINE = ("backend", "core", "ops", "autograd", "func", "linalg", "fft", "special", "nn", "distributions", "optim", "utils")
ENGINE += ("serialization", "datasets")
MAY_IMPORT = {
    "backend": (),
    "core": ("backend",),
    "ops": ("backend", "core"),
    "linalg": ("backend", "core", "ops"),
    "fft": ("backend", "core", "ops"),
    "special": ("backend", "core", "ops"),
    "autograd": ("backend", "core", "ops", "linalg", "special"),
    "func": ("backend", "core", "ops", "autograd", "linalg", "special", "nn", "utils"),
    "nn": ("backend", "core", "ops", "autograd", "linalg", "special"),
    "distributions": ("backend", "core", "ops", "autograd", "linalg", "special", "nn", "overrides"),
    "optim": ("backend", "core", "ops", "autograd", "linalg", "nn"),
    "utils": ("backend", "core", "ops", "autograd", "nn", "amp"),
    "serialization": ("backend", "core", "ops", "autograd", "nn"),
    "datasets": ("backend", "core", "ops", "utils"),
    # What programs written for PyTorch ask for besides: answered, accepted or refused.
    "settings": ("backend", "core", "nn"),
    **dict.fromkeys(("_utils", "checks", "foreach", "functional", "overrides", "return_types", "testing", "types"), ("core",)),
    **dict.fromkeys(("sparse", "storage"), ("core", "ops")),
    **dict.fromkeys(("quasirandom", "signal"), ("backend", "core", "ops")),
    "symbolic": (),
    "compiler": ("settings",),
    "_C": ("core", "func", "nn", "serialization"),
    "_dynamo": ("compiler", "nn", "settings"),
    "_custom_ops": ("library",),
    "_higher_order_ops": ("core", "utils"),
    "_tensor_str": ("backend", "core"),
    "masked": ("core",),
    "ao": ("nn",),
    "hub": ("serialization",),
    "fx": ("core", "nn"),
    "library": ("core", "ops", "autograd"),
    "amp": ("core",),
    "jit": ("core", "futures", "nn", "utils"),
    "backends": ("core",),
    **dict.fromkeys(("cpu", "cuda"), ("core", "amp")),
    "mps": ("backends",),
    "accelerator": ("core", "cuda"),
    "profiler": ("autograd",),
    **dict.fromkeys(("_subclasses", "distributed", "futures", "multiprocessing", "onnx", "version", "xpu"), ()),
    "__config__": ("version",),
    "as_torch": ("distributed", "version"),
    "__main__": ("as_torch", "version"),
    "record": ENGINE,
    "export": (*ENGINE, "record"),
    "widgets": (*ENGINE, "record", "export"),
    "notebook": (*ENGINE, "record", "export", "widgets"),
    "lessons": (*ENGINE, "record", "export", "widgets", "notebook"),
}

# What lies outside the standard library and may be imported at the top of a file of the engine; CuPy comes in functions.
NEEDED = {"numpy", "scipy", "ml_dtypes"}
HEAVY = {"IPython", "anywidget", "traitlets", "ipywidgets", "ipykernel", "matplotlib", "cupy", "torch"}


# Loaded when first asked for, after the package is complete, and written as a program against its public names.
WRITTEN_AS_PROGRAMS = {"distributions"}


@functools.cache
def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The part that a file belongs to: a folder, or a module that stands directly in the package."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@functools.cache
def imports(path: Path) -> list[tuple[str, int, bool]]:
    """(absolute module name, line, runs at import) of every import statement, those for type checkers left out."""
    found: list[tuple[str, int, bool]] = []
    folder = ["autodiff_lab", *path.relative_to(PACKAGE).parts[:-1]]

    def walk(node: ast.AST, at_import: bool) -> None:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if isinstance(node, ast.Import):
            found.extend((alias.name, node.lineno, at_import) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = folder[: len(folder) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from autodiff_lab import nn` names a part only with its second half.
            found.extend((f"{module}.{alias.name}", node.lineno, at_import) for alias in node.names)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            walk(child, at_import and not inside)

    walk(ast.parse(path.read_text(encoding="utf-8")), True)
    return found


def test_every_part_has_its_place_in_the_plan():
    parts = {part_of(path) for path in files()} - {"__init__"}
    assert parts <= set(MAY_IMPORT), f"give these a line in MAY_IMPORT: {sorted(parts - set(MAY_IMPORT))}"


def test_parts_import_only_what_lies_below_them():
    wrong = []
    for path in files():
        part = part_of(path)
        if part not in MAY_IMPORT:
            continue  # the package's own __init__ joins everything; an unknown part is the other test's matter
        for module, line, _ in imports(path):
            names = module.split(".")
            if names[0] != "autodiff_lab":
                continue
            if len(names) > 1 and names[1] in MAY_IMPORT and names[1] not in (part, *MAY_IMPORT[part]):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} ({part}) imports {names[1]}")
            elif (len(names) == 1 or names[1] not in MAY_IMPORT) and part in ENGINE and part not in WRITTEN_AS_PROGRAMS:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} ({part}) imports the whole package")
    assert not wrong, "\n".join(wrong)


def test_the_engine_needs_numpy_and_scipy_only():
    wrong = []
    for path in files():
        if part_of(path) not in (*ENGINE, "__init__"):
            continue
        for module, line, at_import in imports(path):
            top = module.split(".")[0]
            if at_import and top not in NEEDED | {"autodiff_lab"} | set(sys.stdlib_module_names):
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {top} at the top")
            elif part_of(path) in ENGINE and top in HEAVY - {"cupy", "torch"}:
                wrong.append(f"{path.relative_to(PACKAGE)}:{line} imports {top}")
    assert not wrong, "\n".join(wrong)


def test_nothing_imports_pytorch():
    wrong = [f"{path.relative_to(PACKAGE)}:{line}" for path in files() for module, line, _ in imports(path) if module.split(".")[0] == "torch"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not (PACKAGE / "__init__.py").exists(), reason="the package has no __init__ yet")
def test_importing_the_library_loads_nothing_heavy():
    code = (
        "import json, sys; before = set(sys.modules); import autodiff_lab; "
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, cwd=PACKAGE.parent)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout)) - set(sys.stdlib_module_names) - {"cython_runtime"}  # comes with numpy.random
    assert not loaded & HEAVY
    assert loaded - {name for name in loaded if name.startswith("_")} <= NEEDED | {"autodiff_lab"}
