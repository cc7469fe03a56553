"""The doctor: why a gradient is None, 0 or NaN, and why a model does not learn.

Each check looks at one cause and returns findings only on clear evidence, so that a healthy program gets
a clean bill. It reads the recorded graph, the module, the optimizer and the learner's own lines; it
changes nothing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

import numpy as np

from .model import GraphSnapshot, NodeInfo

__all__ = ["Finding", "Report", "examine"]

LOG_LIKE = {"log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "div", "logit"}
SATURATED = 0.7  # share of units from which the doctor speaks
LARGE_STEP = 0.5  # of a parameter's own size, in one step


@dataclass(frozen=True)
class Finding:
    """One cause: what is wrong, where it shows, what to try."""

    cause: str  # "orphan layer"
    words: str
    cure: str
    where: str = ""  # "cell 4, line 2: loss = …"

    def __str__(self) -> str:
        return f"• {self.words}" + (f"\n    {self.where}" if self.where else "") + f"\n    Try: {self.cure}"


@dataclass(frozen=True)
class Report:
    """What the doctor found; prints itself. Empty and true to `healthy` for a program without faults."""

    subject: str
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        return not self.findings

    def __repr__(self) -> str:
        if self.healthy:
            return f"{self.subject}: nothing found. A clean bill of health."
        count = f"{len(self.findings)} findings" if len(self.findings) > 1 else "1 finding"
        return f"{self.subject}: {count}, the likeliest first.\n" + "\n".join(map(str, self.findings))


def examine(subject: str, *, snapshot: GraphSnapshot | None = None, tensor=None, module=None, optimizers=(), sources=(), loss=None) -> Report:
    """Every check that applies to what was given.

    Args:
        subject: what the report is about, in the learner's words.
        snapshot: the recorded graph of the loss.
        tensor: the tensor whose gradient is asked about.
        module, optimizers: what is being trained.
        sources: `(label, text)` of the learner's cells, the newest last.
        loss: the loss tensor.
    """
    found: list[Finding] = []
    if tensor is not None:
        found += why_no_gradient(tensor, snapshot, sources)
    if loss is not None:
        found += broken_loss(loss, snapshot, sources)
    if snapshot is not None:
        for check in (softmax_twice, stretched_targets, logarithms_of_nothing, saturated_units, dead_units):
            found += check(snapshot)
    if loss is not None and loss.grad_fn is not None:
        causes = {f.cause for f in found}
        found += [f for f in from_the_tape(loss.grad_fn) if f.cause not in causes]
    if module is not None:
        found += orphans(module) + modes_and_frozen(module)
    if module is not None and optimizers:
        found += outside_the_optimizer(module, optimizers)
    for optimizer in optimizers:
        found += learning_rates(optimizer)
    found += loops(sources)
    unique = {f.words: f for f in found}
    return Report(subject, tuple(unique.values()))


# ---- one tensor, one loss ----

def why_no_gradient(tensor, snapshot, sources) -> list[Finding]:
    if tensor.grad_fn is None and not tensor.requires_grad:
        if not tensor.is_floating_point() and not tensor.is_complex():
            return [Finding("integer dtype", f"It holds {tensor.dtype}: whole numbers cannot change by a little, so they have no gradient.", "make it floating point before you use it: .float().")]
        return [Finding("not asked", "Nobody asked for its gradient: requires_grad is False.", "requires_grad_() on a leaf, or nn.Parameter in a module."), *cuts(sources)]
    if tensor.grad_fn is not None and not tensor.retains_grad:
        return [Finding("not a leaf", "It was computed, so it is no leaf; backward() keeps gradients of leaves only.", "call retain_grad() on it before backward().")]
    if tensor._grad is None:
        if snapshot is not None and snapshot.backward == "none":
            return [Finding("no backward", "No backward pass has run yet.", "call backward() on the loss.")]
        return [Finding("not reached", "A backward pass ran, but no path leads from the loss to this tensor.", "look at the graph with lab.show(loss): is this the object that the forward pass used?"), *cuts(sources)]
    array = np.asarray(tensor._grad.detach()._a)
    if np.isnan(array).any():
        return [Finding("nan gradient", "Its gradient has NaN in it.", "lab.autograd.detect_anomaly() names the operator that made the first one.")]
    if array.size and not array.any():
        return [Finding("zero gradient", "Its gradient is exactly 0: dead units, a factor of 0, or an operator that is flat (round, sign, argmax).", "follow the path back from the loss with Step and see where the gradient vanishes.")]
    return []


def cuts(sources) -> list[Finding]:
    """Lines that cut the graph: detach, data, item, numpy, no_grad, a tensor rebuilt from a tensor."""
    words = {"detach": "detach() returns a tensor without history", "item": "item() returns a Python number without history", "numpy": "numpy() leaves the graph",
             "tolist": "tolist() leaves the graph", "no_grad": "nothing is recorded inside no_grad()", "data": ".data has no history"}
    found = []
    for label, tree, text in parsed(sources):
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tensor" and node.args and isinstance(node.args[0], (ast.Name, ast.List)):
                if isinstance(node.args[0], ast.List) and any(isinstance(e, ast.Name) for e in node.args[0].elts):
                    found.append(Finding("rebuilt", "tensor(...) copies the numbers of what it is given and forgets how they were made.", "torch.stack or torch.cat keep the graph.", place(label, text, node.lineno)))
            if name in words and name != "numpy":
                found.append(Finding("cut", f"The graph may be cut here: {words[name]}.", "leave it out on the way from the parameters to the loss.", place(label, text, node.lineno)))
    return found[-3:]


def broken_loss(loss, snapshot, sources) -> list[Finding]:
    array = np.asarray(loss.detach()._a)
    found = []
    if array.dtype.kind in "fc" and np.isnan(array).any():
        found.append(Finding("nan loss", "The loss is NaN.", "look for log, sqrt or division of numbers ≤ 0, for inf − inf, or for a learning rate that is too large."))
    elif array.dtype.kind in "fc" and np.isinf(array).any():
        found.append(Finding("infinite loss", "The loss is infinite.", "use the version of the loss that takes logits, and a smaller learning rate."))
    if not loss.requires_grad:
        found.append(Finding("no graph", "The loss has no graph: nothing that made it asks for a gradient, so backward() has nowhere to go.", "check that parameters require a gradient and that nothing on the way cuts the graph."))
        found += cuts(sources)
    return found


# ---- the graph ----

def line_of(snapshot: GraphSnapshot, node: NodeInfo) -> str:
    source = node.source
    if source is None or source.code >= len(snapshot.code):
        return ""
    code = snapshot.code[source.code]
    lines = code.text.splitlines()
    row = source.line - code.first_line
    text = lines[row].strip() if 0 <= row < len(lines) else source.text
    return f"{code.label}, line {source.line}: {text}"


def inputs_of(snapshot: GraphSnapshot, node: NodeInfo) -> list[NodeInfo]:
    return [snapshot.nodes[e.source] for e in snapshot.edges if e.target == node.id]


def short(op: str) -> str:
    return op.split(".")[-1]


def softmax_twice(snapshot) -> list[Finding]:
    found = []
    for node in snapshot.nodes:
        if short(node.op) in ("cross_entropy", "cross_entropy_op"):
            before = [short(n.op) for n in inputs_of(snapshot, node)]
            if "softmax" in before or "sigmoid" in before:
                which = "softmax" if "softmax" in before else "sigmoid"
                found.append(Finding("softmax twice", f"{which} stands before cross_entropy, which takes the softmax itself: it is applied twice, and gradients become small.",
                                     f"give cross_entropy the raw scores; use {which} only to read probabilities.", line_of(snapshot, node)))
        if short(node.op) == "nll_loss" and "softmax" in [short(n.op) for n in inputs_of(snapshot, node)]:
            found.append(Finding("nll of probabilities", "nll_loss gets probabilities but expects their logarithms.", "log_softmax before nll_loss, or cross_entropy on the raw scores.", line_of(snapshot, node)))
        if short(node.op) == "binary_cross_entropy_with_logits" and "sigmoid" in [short(n.op) for n in inputs_of(snapshot, node)]:
            found.append(Finding("sigmoid twice", "sigmoid stands before binary_cross_entropy_with_logits, which applies it itself.", "give it the raw scores.", line_of(snapshot, node)))
    return found


def stretched_targets(snapshot) -> list[Finding]:
    """(N, 1) against (N,) broadcasts to (N, N): the classic silent mistake."""
    found = []
    for node in snapshot.nodes:
        if short(node.op) not in ("sub", "rsub", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"):
            continue
        shapes = [n.shape for n in inputs_of(snapshot, node) if n.shape is not None]
        if len(shapes) < 2:
            continue
        a, b = shapes[:2]
        if {len(a), len(b)} == {1, 2} and a[0] == b[0] > 1 and 1 in (a[-1], b[-1]):
            found.append(Finding("broadcast targets", f"Shapes {list(a)} and {list(b)} broadcast to {[a[0], a[0]]}: every prediction is compared with every target.",
                                 "make both the same shape, e.g. target.unsqueeze(1) or prediction.squeeze(1).", line_of(snapshot, node)))
    return found


def logarithms_of_nothing(snapshot) -> list[Finding]:
    found = []
    for node in snapshot.nodes:
        if short(node.op) not in LOG_LIKE:
            continue
        inputs = inputs_of(snapshot, node)
        slot = {e.slot: snapshot.nodes[e.source] for e in snapshot.edges if e.target == node.id}
        value = (slot.get("other") if short(node.op) == "div" else inputs[0] if inputs else None)
        value = value.value if value is not None else None
        low = None if value is None else value.low if value.low is not None else value.number
        if low is None:
            continue
        bad = low == 0 if short(node.op) in ("div", "reciprocal") else low <= (-1 if short(node.op) == "log1p" else 0)
        if bad:
            found.append(Finding("log of nothing", f"{short(node.op)} gets {low:.4g}: its value or its slope is infinite or NaN there.", "keep its input away from 0, e.g. clamp(min=1e-8), or use a version that takes logits.", line_of(snapshot, node)))
    return found


def saturated_units(snapshot) -> list[Finding]:
    found = []
    for node in snapshot.nodes:
        if short(node.op) not in ("sigmoid", "tanh") or node.value is None or not node.value.bins:
            continue
        bins = node.value.bins
        low, high = node.value.low, node.value.high
        floor = 0.0 if short(node.op) == "sigmoid" else -1.0
        if low is None or high is None or high - low < 0.5:
            continue
        edges = np.linspace(low, high, len(bins) + 1)
        middle = (edges[:-1] + edges[1:]) / 2
        margin = 0.03 if floor == 0.0 else 0.05
        share = sum(c for c, m in zip(bins, middle) if m < floor + margin or m > 1 - margin) / max(sum(bins), 1)
        if share >= SATURATED:
            found.append(Finding("saturated", f"{short(node.op)} is saturated in {share:.0%} of its units: its slope there is almost 0.", "smaller initial weights, inputs scaled to about 1, or another activation.", line_of(snapshot, node)))
    return found


def dead_units(snapshot) -> list[Finding]:
    found = []
    for node in snapshot.nodes:
        if short(node.op) == "relu" and node.value is not None and node.shape:
            total = int(np.prod(node.shape))
            if total >= 16 and node.value.zeros == total:
                found.append(Finding("dead relu", "Every unit of this ReLU gives 0: no gradient can pass it.", "a smaller learning rate, another initialisation, or LeakyReLU.", line_of(snapshot, node)))
    return found


# ---- the tape itself, for a graph that nobody watched while it was made ----

def from_the_tape(root) -> list[Finding]:
    """The same causes, read from what the nodes still keep (nothing, after a backward pass)."""
    found, seen, stack = [], {root}, [root]
    while stack:
        node = stack.pop()
        found += judge_node(node)
        for edge in node.edges:
            if hasattr(edge, "edges") and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return found


def kept(node, name: str):
    """A value that `node` saved, as an array; None if it saved none or let it go."""
    try:
        value = node.op.saved_value(node, name)
    except (AttributeError, RuntimeError):
        return None
    return np.asarray(value.detach()._a) if hasattr(value, "detach") else None


def judge_node(node) -> list[Finding]:
    op = short(node.op.name)
    if op in ("sub", "rsub") and node.shape is not None and len(node.shape) == 2 and node.shape[0] == node.shape[1] > 1:
        shapes = [tuple(e.shape) for e in node.edges if e is not None and e.shape is not None]
        n = node.shape[0]
        if (n, 1) in shapes and (n, n) not in shapes:
            return [Finding("broadcast targets", f"Shapes {[n, 1]} and {[n]} broadcast to {[n, n]}: every prediction is compared with every target.", "make both the same shape, e.g. target.unsqueeze(1) or prediction.squeeze(1).")]
    if op in ("log", "log2", "log10"):
        value = kept(node, "input")
        if value is not None and value.size and value.min() <= 0:
            return [Finding("log of nothing", f"{op} gets {float(value.min()):.4g}: its value or its slope is infinite or NaN there.", "keep its input away from 0, e.g. clamp(min=1e-8), or use a version that takes logits.")]
    if op in ("sigmoid", "tanh", "relu"):
        value = kept(node, "out")
        if value is not None and value.size >= 16:
            if op == "relu" and not value.any():
                return [Finding("dead relu", "Every unit of this ReLU gives 0: no gradient can pass it.", "a smaller learning rate, another initialisation, or LeakyReLU.")]
            flat = np.minimum(1 - value, value) if op == "sigmoid" else 1 - np.abs(value) if op == "tanh" else None
            if flat is not None and (share := float((flat < 0.03).mean())) >= SATURATED:
                return [Finding("saturated", f"{op} is saturated in {share:.0%} of its units: its slope there is almost 0.", "smaller initial weights, inputs scaled to about 1, or another activation.")]
    return []


# ---- the module and its optimizer ----

def orphans(module) -> list[Finding]:
    """Layers and parameters that hide in lists, tuples or dicts, where the module does not see them."""
    from ..nn.modules.module import Module
    from ..nn.parameter import Parameter

    found = []
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if name in ("_modules", "_parameters", "_buffers") or name.startswith("_"):
                continue
            members = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, (list, tuple)) else []
            kinds = {type(m).__name__ for m in members if isinstance(m, (Module, Parameter))}
            if kinds:
                shown = f"{path + '.' if path else ''}{name}"
                modules = any(isinstance(m, Module) for m in members)
                better = ("ModuleDict" if isinstance(value, dict) else "ModuleList") if modules else ("ParameterDict" if isinstance(value, dict) else "ParameterList")
                found.append(Finding("orphan layer", f"`{shown}` is a plain {type(value).__name__} of {', '.join(sorted(kinds))}: their parameters are not registered, so parameters(), to() and state_dict() do not see them.",
                                     f"self.{name} = nn.{better}(...)"))
    return found


def modes_and_frozen(module) -> list[Finding]:
    parameters = list(module.named_parameters())
    found = []
    if parameters and not any(p.requires_grad for _, p in parameters):
        found.append(Finding("all frozen", "No parameter requires a gradient: the whole model is frozen.", "model.requires_grad_(True)."))
    with_grad = [name for name, p in parameters if p.requires_grad and p._grad is not None]
    without = [name for name, p in parameters if p.requires_grad and p._grad is None]
    if with_grad and without:
        shown = ", ".join(without[:4]) + (" …" if len(without) > 4 else "")
        found.append(Finding("unused", f"No gradient reached {shown}, although others have one.", "is this layer used in forward(), and is its output used for the loss?"))
    modal = [type(m).__name__ for m in module.modules() if type(m).__name__.startswith(("Dropout", "BatchNorm"))]
    if modal and with_grad and not module.training:
        found.append(Finding("eval mode", f"The model is in eval mode while gradients are computed: {modal[0]} behaves as in testing.", "model.train() before training."))
    return found


def outside_the_optimizer(module, optimizers) -> list[Finding]:
    held = {id(p) for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]}
    missing = [name for name, p in module.named_parameters() if p.requires_grad and id(p) not in held]
    own = {id(p) for p in module.parameters()}
    found = []
    if missing:
        shown = ", ".join(missing[:4]) + (" …" if len(missing) > 4 else "")
        found.append(Finding("not in the optimizer", f"The optimizer does not hold {shown}: step() leaves them as they are.", "make the optimizer from model.parameters() after the model is complete."))
    if held and own and not held & own:
        found.append(Finding("another model", "The optimizer holds none of this model's parameters: it was made for another model (or before this one was made anew).", "make the optimizer again from model.parameters()."))
    return found


def learning_rates(optimizer) -> list[Finding]:
    found = []
    for group in optimizer.param_groups:
        rate = float(group.get("lr", 0))
        if rate == 0:
            found.append(Finding("no step", "The learning rate is 0: step() changes nothing.", "set group['lr'] or check the scheduler."))
            continue
        if type(optimizer).__name__ != "SGD":
            continue
        ratios = []
        for p in group["params"]:
            if p._grad is not None:
                size, step = float(np.linalg.norm(np.asarray(p.detach()._a))), rate * float(np.linalg.norm(np.asarray(p._grad.detach()._a)))
                ratios += [step / size] if size else []
        if ratios and min(ratios) > LARGE_STEP:
            found.append(Finding("learning rate", f"One step moves every parameter by more than {min(ratios):.0%} of its own size: the learning rate {rate:g} is too large.", f"a tenth of it: lr={rate / 10:g}."))
    return found


# ---- the learner's own lines ----

def parsed(sources):
    for label, text in sources:
        try:
            yield label, ast.parse("\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in text.splitlines())), text
        except SyntaxError:
            continue


def place(label: str, text: str, line: int) -> str:
    lines = text.splitlines()
    return f"{label}, line {line}: {lines[line - 1].strip() if 0 < line <= len(lines) else ''}"


def loops(sources) -> list[Finding]:
    """The training loop in the newest cell that has one: zero_grad missing or late, step before backward."""
    for label, tree, text in reversed(list(parsed(sources))):
        for loop in ast.walk(tree):
            if not isinstance(loop, (ast.For, ast.While)):
                continue
            calls = [(node.lineno, node.col_offset, node.func.attr) for node in ast.walk(loop) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
            calls.sort()
            order = [name for *_, name in calls if name in ("zero_grad", "backward", "step")]
            if "backward" not in order or "step" not in order or any(isinstance(n, (ast.For, ast.While)) and n is not loop for n in ast.walk(loop)):
                continue
            lines = {name: line for line, _, name in reversed(calls)}
            cleared = "zero_grad" in order or ".grad = None" in text or ".grad=None" in text or "grad.zero_" in text
            if not cleared:
                return [Finding("no zero_grad", "Gradients are never set back, so each step uses the sum of all passes so far.", "optimizer.zero_grad() before backward().", place(label, text, lines["backward"]))]
            if "zero_grad" in order and order.index("zero_grad") > order.index("backward") and order.index("zero_grad") < order.index("step"):
                return [Finding("late zero_grad", "zero_grad() stands between backward() and step(): it throws the gradients away before they are used.", "zero_grad(), then backward(), then step().", place(label, text, lines["zero_grad"]))]
            if order.index("step") < order.index("backward"):
                return [Finding("step first", "step() stands before backward(): it uses the gradients of the pass before.", "backward() first, then step().", place(label, text, lines["step"]))]
            return []
    return []
