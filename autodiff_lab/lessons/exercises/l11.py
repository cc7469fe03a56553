"""11, The training loop."""

from __future__ import annotations

import numpy as np

from ... import nn, optim
from ..checking import NotYet, exercise
from ..judging import call, number, same_choice, same_number


@exercise("11-1", hints=["If both moons have the same chance, what is the probability of the right one?", "-ln(1/2). `math.log` is the natural logarithm."],
          praise="ln 2: two answers, nothing known. With ten classes it would be ln 10, about 2.3. A first loss far from this means a bug.")
def first_loss(guess):
    same_number(guess, 0.6931, {0.5: "that is the probability. The loss is its surprise, -ln of it.", 0.0: "0 would mean: sure, and right. The network knows nothing yet.",
                                0.301: "that is the logarithm to base 10. The natural one is meant."}, tolerance=0.02, otherwise="the right moon gets probability 1/2. Take -ln of that.")


@exercise("11-2", hints=["How many batches of 50 are in 400 points?", "So many in each epoch, and 30 epochs."],
          praise="8 batches, 30 times. The time axis of the curves counts exactly these.")
def steps(answer):
    same_number(answer, 240, {8: "that is one epoch.", 30: "one step per epoch would be the case with a single batch of 400.", 12000: "that counts points: 400 · 30. A step is taken once for a batch.",
                              1500: "50 · 30 is batch size times epochs. How many batches are there?"}, tolerance=1e-6)


@exercise("11-3", hints=["`.grad` held 3 before. What does each `backward()` do to it?", "It adds its own 3, and there are two more calls."],
          praise="3 + 3 + 3. backward() adds, and only zero_grad() starts again.")
def accumulated(answer):
    same_number(answer, 9.0, {3.0: "that would be so if `backward()` wrote over `.grad`. It adds to it.", 6.0: "two more times: the 3 of the first call is still there.",
                              27.0: "it adds, it does not multiply."}, tolerance=1e-6)


def problem():
    """A small linear network, and four rows for it; the same each time."""
    model = nn.Linear(3, 2)
    weight = np.arange(6, dtype=np.float32).reshape(2, 3) / 10 - 0.2
    state = {"weight": model.weight.new_tensor(weight), "bias": model.bias.new_tensor([0.1, -0.1])}
    model.load_state_dict(state)
    x = model.weight.new_tensor([[1.0, 2.0, -1.0], [0.5, -1.0, 2.0], [-1.0, 0.0, 1.0], [2.0, 1.0, 0.5]]).detach()
    return model, optim.SGD(model.parameters(), lr=0.3), x, x.new_tensor([0, 1, 1, 0]).long()


def walk(lines: str, turns: int = 3):
    """Weights after some turns of a loop with these lines: f forward, z zero_grad, b backward, s step."""
    model, optimizer, x, y = problem()
    loss = None
    for _ in range(turns):
        for line in lines:
            if line == "f":
                loss = nn.functional.cross_entropy(model(x), y)
            elif line == "z":
                optimizer.zero_grad()
            elif line == "b":
                loss.backward()
            else:
                optimizer.step()
    return np.array(model.weight.detach().numpy())


@exercise("11-4", hints=["Take the cell with the five lines, and put `x` and `y` in.", "forward, loss, zero_grad, backward, step. Then `return loss.item()`."],
          praise="These five lines are the same for 100 parameters and for 100 billion.")
def train_step(function):
    model, optimizer, x, y = problem()
    criterion, losses = nn.CrossEntropyLoss(), []
    for _ in range(3):
        expected = float(criterion(model(x), y).item())
        losses.append((call(function, model, criterion, optimizer, x, y, shown="model, criterion, optimizer, x, y"), expected))
    got = np.array(model.weight.detach().numpy())
    for lines, reason in (("fbs", "the gradients pile up: `zero_grad` is missing, and the second step goes by the sum of two."),
                          ("f", "the parameters did not move at all. Is `optimizer.step()` there, after `backward()`, with nothing cleared between the two?"),
                          ("fsb", "`step()` runs before `backward()`: it uses the gradients of the batch before."),
                          ("fsbz", "`step()` runs before `backward()`: there is nothing to go by yet."), ("fzbss", "`step()` runs twice."),
                          ("fbbs", "`backward()` runs twice.")):
        try:
            wrong = walk(lines)
        except RuntimeError:
            continue
        if not np.allclose(got, walk("fzbs"), atol=1e-6) and np.allclose(got, wrong, atol=1e-6):
            raise NotYet(reason)
    if not np.allclose(got, walk("fzbs"), atol=1e-6):
        raise NotYet("after three steps the weights are not where the five lines bring them. Compare line by line.")
    for loss, expected in losses:
        if hasattr(loss, "detach"):
            raise NotYet("the weights are right, but you return a tensor. It keeps its whole graph alive: return `loss.item()`.")
        if abs(number(loss) - expected) > 1e-5:
            raise NotYet("the weights are right. Return the loss of this step, as it was before the parameters moved.")


@exercise("11-5", hints=["`model.training` is True or False: keep it, and give it back with `model.train(kept)`.", "`model(x).argmax(1) == y` is True where the largest score is the right one; the mean of that, as float, is the fraction.",
                         "Four parts: keep the mode, `model.eval()`, count under `torch.no_grad()`, `model.train(kept)`."],
          praise="Measured in eval mode, and left as it was found.")
def accuracy(function):
    linear, _, x, _ = problem()
    scores = linear(x).detach().numpy()
    y = x.new_tensor(scores.argmax(1)).long()
    y[0] = 1 - y[0].item()
    asked = []

    class Spy(nn.Module):
        """Remembers how it was called."""

        def forward(self, rows):
            from ...core.modes import modes

            asked.append((self.training, modes.grad))
            return linear(rows)

    for training in (True, False):
        model = Spy()
        model.train(training)
        asked.clear()
        got = call(function, model, x, y, shown="model, x, y")
        if hasattr(got, "detach"):
            raise NotYet("you return a tensor. A Python number is asked for: `.item()`.")
        same_number(got, 0.75, {3.0: "that is how many are right. Asked for is the fraction.", 0.25: "that is the fraction of wrong ones.", 75.0: "that is in percent. A fraction lies between 0 and 1."},
                    tolerance=1e-4, otherwise=f"3 of 4 rows are right here, and you give {number(got):g}. Is `argmax` taken over the scores of each row (dimension 1)?")
        if not asked:
            raise NotYet("you never asked the model: call `model(x)`.")
        if any(mode for mode, _ in asked):
            raise NotYet("the model was asked in train mode: its dropout would be at work. `model.eval()` first.")
        if any(grad for _, grad in asked):
            raise NotYet("the graph was recorded for nothing: put the model's call under `torch.no_grad()`.")
        if model.training != training:
            left = "eval mode although it came in train mode" if training else "train mode although it came in eval mode"
            raise NotYet(f"you leave the model in {left}. Keep `model.training` at the beginning and give it back: `model.train(kept)`.")


@exercise("11-6", hints=["Four of the five lines make numbers. One spends them on the parameters.", "An optimizer sees only parameters and their `.grad`, and has a line of its own."], praise="backward() writes `.grad`, step() reads it, zero_grad() empties it.")
def who_reads(answer):
    same_choice(answer, "step", {"backward": "it writes `.grad`. Who reads?", "zero_grad": "it empties `.grad`. Who reads?", "forward": "the forward pass reads parameters, not their gradients.",
                                 "loss": "the loss is made from the scores."})
