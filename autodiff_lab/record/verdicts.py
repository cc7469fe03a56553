"""What gradient flow means, in words: vanishing, exploding, dead, saturated. Few false alarms: each needs clear evidence."""

from __future__ import annotations

import numpy as np

from ..core import observe
from ..core.modes import modes

__all__ = ["Probe", "judge"]

WINDOW = 16  # the newest columns that a verdict looks at
FEWEST = 4  # columns without which nothing is said
FAR = 300.0  # times smaller or larger than the last layer
SPIKE = 1000.0  # times larger than usual
DEAD_SHARE, SATURATED_SHARE = 0.5, 0.6  # of the units of a layer


def judge(record, probe=None) -> None:
    """Write `record.verdicts` (parameter -> word) and the sentences of `record.notes`, from what was measured."""
    verdicts: dict[str, str] = {}
    notes: dict[str, str] = {key: note for key, note in record.notes.items() if key not in ("flow", "units", "rewind")}
    flow = record.flow
    matrix = flow.matrix()[:, -WINDOW:]
    if matrix.shape[1] >= FEWEST:
        said = exploding(flow, verdicts) or vanishing(flow, matrix, verdicts, probe) or silent(flow, matrix, verdicts)
        units = dead_or_saturated(flow, probe, verdicts)
        if said:
            notes["flow"] = said
        if units:
            notes["units"] = units
    record.verdicts, record.notes = verdicts, dict(sorted(notes.items(), key=lambda item: item[0] != "flow"))


def layers(flow) -> list[int]:
    """Rows of the weights (not biases and norms), in forward order."""
    return [k for k, shape in enumerate(flow.shapes) if len(shape) > 1]


def exploding(flow, verdicts) -> str:
    """Gradients that are not finite, suddenly huge, or that grow from layer to layer on the way back."""
    matrix = flow.matrix()
    broken = [k for k in range(len(flow.names)) if np.isinf(matrix[k, -WINDOW:]).any() or went_nan(matrix[k])]
    if broken:
        verdicts.update({flow.names[k]: "exploding" for k in broken})
        column = int(np.flatnonzero(~np.isfinite(matrix[broken[0]]))[0])
        return (f"{flow.names[broken[0]]}: its gradients are no longer finite since about step {flow.steps[column]}. "
                "Try a smaller learning rate, or clip the gradients.")
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.sqrt(np.nansum(np.square(matrix.astype(float)) * np.array(flow.sizes)[:, None], 0))
    earlier, now = sizes[:-WINDOW], sizes[-WINDOW:]
    if earlier.size >= 8 and now.max() > SPIKE * np.median(earlier) and now.max() > 10:
        column = len(flow.steps) - now.size + int(now.argmax())
        worst = int(np.nanargmax(matrix[:, column]))
        verdicts[flow.names[worst]] = "exploding"
        return (f"{flow.names[worst]}: its gradients became about {round_to_one(now.max() / np.median(earlier))} times larger than usual at step "
                f"{flow.steps[column]}. Try a smaller learning rate, or clip the gradients.")
    rows = layers(flow)
    looks = [flow.close[step]["ratio"] for step in sorted(flow.close)[-2:]]
    if len(looks) == 2 and rows:
        moved = np.minimum(*looks)[rows]
        if np.nanmax(moved, initial=0) > 1:
            worst = rows[int(np.nanargmax(moved))]
            verdicts[flow.names[worst]] = "exploding"
            return (f"{flow.names[worst]}: one step moves it by {round_to_one(100 * np.nanmax(moved))} % of its own length. "
                    "Try a smaller learning rate, or clip the gradients.")
    if len(rows) >= 3:
        middle = np.nanmedian(matrix[rows][:, -WINDOW:], 1)
        last = middle[-1]
        far = [k for k, size in zip(rows[:-1], middle[:-1], strict=True) if last > 0 and size > FAR * last]
        if far:
            verdicts.update({flow.names[k]: "exploding" for k in far})
            ratio = middle[rows.index(far[0])] / last
            return (f"{flow.names[far[0]]}: its gradients are about {round_to_one(ratio)} times larger than those of the last layer; they grow on "
                    "their way back. Try smaller initial weights.")
    return ""


def went_nan(row) -> bool:
    """Whether a parameter that had gradients lost them to NaN. NaN from the start means: no gradient at all."""
    finite = np.isfinite(row)
    return bool(finite.any() and np.isnan(row[-1]) and not np.isnan(row[: int(np.argmax(finite)) + 1]).all())


def vanishing(flow, matrix, verdicts, probe) -> str:
    """Early layers whose gradients are a tiny part of the last layer's."""
    rows = layers(flow)
    if len(rows) < 3:
        return ""
    middle = np.nanmedian(matrix[rows], 1)
    begun = np.nanmedian(flow.matrix()[rows][:, :WINDOW], 1)
    if middle[-1] < 0.01 * begun[-1]:  # the end has come to rest, and all gradients are noise: what mattered was the beginning
        middle = begun
    last = middle[-1]
    far = [k for k, size in zip(rows[:-1], middle[:-1], strict=True) if 0 < size < last / FAR]
    if not far or rows[0] not in far:  # it must reach the beginning: one small layer in the middle is a matter of taste
        return ""
    verdicts.update({flow.names[k]: "vanishing" for k in far})
    ratio = last / middle[0]
    why = probe.reason(flow.names[far[0]]) if probe is not None else ""
    return f"{flow.names[far[0]]}: its gradients are about {round_to_one(ratio)} times smaller than those of the last layer{why}. The early layers hardly learn."


def silent(flow, matrix, verdicts) -> str:
    """Parameters whose gradient is exactly zero, again and again, while others learn."""
    rows = [k for k in range(len(flow.names)) if (matrix[k] == 0).all()]
    if not rows or len(rows) == len(flow.names):
        return ""
    verdicts.update({flow.names[k]: "dead" for k in rows})
    more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{flow.names[rows[0]]}{more}: every gradient has been exactly 0 for {matrix.shape[1]} looks in a row. It does not learn."


def dead_or_saturated(flow, probe, verdicts) -> str:
    """Units that answer 0 to everything, or that stand at the flat ends of their function."""
    if probe is None:
        return ""
    said = ""
    for name, kind, share, since in probe.findings():
        if name not in flow.names:
            continue
        verdicts.setdefault(name, kind)
        if said:
            continue
        percent = round_to_one(100 * share, 2)
        if kind == "dead":
            said = (f"{name}: {percent} % of its ReLU units have answered 0 to every sample since about step {since}. They pass no gradient on. "
                    "Try a smaller learning rate, or LeakyReLU.")
        else:
            said = f"{name}: {percent} % of what its {probe.function(name)} gives is at the flat ends, where hardly any gradient passes."
    return said


def round_to_one(value: float, digits: int = 1) -> str:
    """A number for a sentence: so few digits that another machine gives the same."""
    return f"{float(f'{value:.{digits - 1}e}'):,.0f}"


# ------------------------------------------------------------------------------------------------ activations


class Probe(observe.Observer):
    """Looks at activations during one step now and then: which units are dead, which saturated. Attached only for that step."""

    def __init__(self, watcher):
        self._watcher = watcher
        self._names: dict[int, str] = {}
        self._last = ""
        self._seen: dict[str, tuple] = {}  # parameter in front -> (function, dead units or share at the ends)
        self._history: dict[str, list] = {}  # parameter -> [(step, function, share of dead, share at the ends)]
        self._open = False

    def begin(self) -> None:
        """The next step is looked at."""
        parameters = self._watcher.parameters()
        names = self._watcher.record.flow.names
        self._names = {id(p): name for p, name in zip(parameters, names, strict=False) if p._a.ndim > 1}
        self._seen, self._last, self._open = {}, "", True
        observe.attach(self)

    def end(self, step: int) -> None:
        """That step is over."""
        if not self._open:
            return
        self._open = False
        observe.detach(self)
        for name, (function, dead, ends) in self._seen.items():
            history = self._history.setdefault(name, [])
            history.append((step, function, dead, ends))
            del history[1:-8]

    def op_ran(self, op, inputs, output):
        name = op.name
        if name in FUNCTIONS:
            if modes.grad and self._last and self._last not in self._seen:
                array = getattr(output, "_a", None)
                if isinstance(array, np.ndarray) and array.ndim >= 2 and array.shape[0] >= 8:
                    self._seen[self._last] = (FUNCTIONS[name], *shares(name, array))
            self._last = ""
        elif op.category == "linear":
            here = [found for value in inputs if (found := self._names.get(id(value)))]
            if name in RECURRENT and here and modes.grad:  # its function is inside: tanh, or what a gate lets through of it
                array = getattr(output[0], "_a", None)
                if isinstance(array, np.ndarray) and array.size and -1 <= array.min() and array.max() <= 1:
                    self._seen.setdefault(here[0], ("tanh", *shares("tanh", array)))
            elif here:
                self._last = here[-1]

    def findings(self):
        """(parameter in front, "dead" or "saturated", share, since step), the worst first."""
        found = []
        for name, history in self._history.items():
            newest = history[-2:]
            if len(newest) < 2:
                continue
            dead, ends = min(look[2] for look in newest), min(look[3] for look in newest)
            if dead >= DEAD_SHARE:
                since = next(step for step, _, share, _ in history if share >= DEAD_SHARE)
                found.append((dead, name, "dead", since))
            elif ends >= SATURATED_SHARE:
                since = next(step for step, _, _, share in history if share >= SATURATED_SHARE)
                found.append((ends, name, "saturated", since))
        return [(name, kind, share, since) for share, name, kind, since in sorted(found, key=lambda item: -item[0])]

    def function(self, name: str) -> str:
        """The activation behind a parameter."""
        history = self._history.get(name)
        return history[-1][1] if history else ""

    def reason(self, name: str) -> str:
        """Why gradients vanish on their way to `name`, if the activations tell."""
        functions = {history[-1][1] for history in self._history.values()}
        ends = [history[-1][3] for history in self._history.values()]
        worst = max(ends, default=0)
        if worst >= 0.3 and functions & {"sigmoid", "tanh"}:
            return f" ({min(functions & {'sigmoid', 'tanh'})} is at its flat ends in {round_to_one(100 * worst, 2)} % of its answers)"
        if functions == {"sigmoid"}:
            return " (each sigmoid passes on at most a quarter)"
        return ""


RECURRENT = ("rnn_layer", "lstm_layer", "gru_layer")
FUNCTIONS = {"relu": "ReLU", "relu_": "ReLU", "threshold": "ReLU", "sigmoid": "sigmoid", "tanh": "tanh"}


def shares(name: str, array) -> tuple[float, float]:
    """The share of units that are 0 for every sample, and the share of answers at the flat ends."""
    axes = (0, *range(2, array.ndim))
    if name in ("sigmoid", "tanh"):
        low, high = (0.02, 0.98) if name == "sigmoid" else (-0.98, 0.98)
        sample = array.reshape(-1)[:8192]
        return 0.0, float(((sample < low) | (sample > high)).mean())
    return float((~array.any(axis=axes)).mean()), 0.0
