"""`Why?` on a dashboard: the doctor is asked in the middle of a run, between two steps, where nothing can be disturbed."""

from __future__ import annotations

from .doctor import Finding, examine

__all__ = ["look_at_loss", "why"]

WORDS = {  # what a verdict of gradient flow means, and what to try
    "vanishing": ("{names}: the gradient gets smaller in every layer on its way back, and little of it arrives.",
                  "ReLU in place of sigmoid or tanh, a normalisation layer between, residual connections, or fewer layers."),
    "exploding": ("{names}: gradients are so large that a step overshoots.", "a tenth of the learning rate, nn.utils.clip_grad_norm_ before step(), inputs scaled to about 1."),
    "dead": ("{names}: no gradient comes through, because what stands behind gives 0 to every sample.",
             "a smaller learning rate, another initialisation, or LeakyReLU; then make the model anew: dead units do not come back."),
    "saturated": ("{names}: what stands behind works at its flat ends, where the slope is almost 0.",
                  "inputs scaled to about 1, smaller initial weights, or another activation."),
}


def look_at_loss(loss) -> tuple[Finding, ...]:
    """What the doctor reads from a loss whose graph is still there: call it as its backward pass begins."""
    return examine("loss", loss=loss).findings


def why(record, module=None, optimizers=(), sources=(), found=()) -> list[dict]:
    """The likeliest causes of what a run shows, as plain dicts: words, where, cure.

    Args:
        record: the run, with its verdicts.
        module, optimizers: what is being trained; only looked at.
        sources: (label, text) of the learner's cells, the newest last.
        found: what `look_at_loss` found.
    """
    findings = list(found)
    for word, (words, cure) in WORDS.items():
        names = [name for name, verdict in record.verdicts.items() if verdict == word]
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            findings.append(Finding(word, words.format(names=shown), cure))
    module = module if hasattr(module, "named_modules") else None
    findings += examine("run", module=module, optimizers=optimizers, sources=sources).findings
    if not findings:
        findings = [Finding("nothing", "The doctor found nothing: graph, model, optimizer and your lines look right.",
                            "more steps, or another learning rate; lab.diagnose(loss, model, optimizer) looks at one loss more closely.")]
    unique = {finding.words: finding for finding in findings}
    return [{"words": finding.words, "where": finding.where, "cure": finding.cure} for finding in unique.values()]
