"""Gradient flow in words: it names what was broken on purpose, and is quiet about what is healthy."""

from __future__ import annotations

import pytest

import autodiff_lab as lab
from autodiff_lab import nn, optim
from autodiff_lab.core import observe


@pytest.fixture(autouse=True)
def nobody_watches_afterwards():
    yield
    for observer in observe.followers:
        observe.detach(observer)


def deep(activation, layers, width=16):
    inner = [part for _ in range(layers - 2) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(nn.Linear(2, width), activation(), *inner, nn.Linear(width, 2))


def judged(make, lr=0.05, steps=160, optimizer=optim.SGD, scale=1.0, spoil=None, seed=0):
    """Train `make()` on a checkerboard; returns (verdicts, sentences)."""
    lab.manual_seed(seed)
    X = lab.randn(128, 2)
    y = (X[:, 0] * X[:, 1] > 0).long()
    model = make()
    if spoil:
        with lab.no_grad():
            spoil(model)
    chosen, criterion = optimizer(model.parameters(), lr=lr), nn.CrossEntropyLoss()
    run = lab.watch(model, chosen)
    for k in range(steps):
        part = slice(32 * (k % 4), 32 * (k % 4) + 32)
        loss = criterion(model(X[part] * scale), y[part])
        chosen.zero_grad()
        loss.backward()
        chosen.step()
    run.close()
    return run.record.verdicts, list(run.record.notes.values())


def test_vanishing_gradients_are_named_with_the_layer_and_the_reason():
    verdicts, said = judged(lambda: deep(nn.Sigmoid, 8))
    assert verdicts["0.weight"] == "vanishing" and "14.weight" not in verdicts
    assert said[0].startswith("0.weight: its gradients are about") and "times smaller than those of the last layer" in said[0]
    assert "sigmoid" in said[0]


def test_vanishing_is_seen_in_a_very_deep_tanh_net():
    verdicts, _ = judged(lambda: deep(nn.Tanh, 20))
    assert verdicts["0.weight"] == "vanishing"


def test_dead_units_are_named():
    def spoil(model):
        model[0].bias.sub_(20.0)

    verdicts, said = judged(lambda: deep(nn.ReLU, 3), spoil=spoil)
    assert verdicts["0.weight"] == "dead"
    assert any("ReLU units have answered 0 to every sample since about step" in sentence for sentence in said)


def test_units_killed_by_a_huge_learning_rate_are_dead():
    verdicts, _ = judged(lambda: deep(nn.ReLU, 3), lr=30.0)
    assert "dead" in verdicts.values()


def test_saturated_units_are_named():
    verdicts, said = judged(lambda: deep(nn.Tanh, 3), lr=0.01, scale=100.0)
    assert verdicts["0.weight"] == "saturated"
    assert "tanh" in " ".join(said)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", [{"scale": 50.0, "lr": 3.0}, {"scale": 1e25, "lr": 1.0}], ids=["learning rate", "inputs"])
def test_exploding_gradients_are_named(case):
    verdicts, said = judged(lambda: deep(nn.LeakyReLU, 3), **case)
    assert "exploding" in verdicts.values() and said


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make, lr, optimizer", [
    (lambda: deep(nn.ReLU, 3), 0.1, optim.SGD),
    (lambda: deep(nn.ReLU, 6, 32), 0.01, optim.Adam),
    (lambda: deep(nn.Tanh, 4), 0.1, optim.SGD),
    (lambda: deep(nn.Sigmoid, 2), 0.5, optim.SGD),
    (lambda: deep(nn.LeakyReLU, 5), 0.05, optim.SGD),
], ids=["relu", "relu, adam", "tanh", "sigmoid", "leaky"])
def test_healthy_nets_get_no_word(make, lr, optimizer, seed):
    assert judged(make, lr, 300, optimizer, seed=seed) == ({}, [])


# ------------------------------------------------------------------------------------------------ other kinds of nets


def followed(run_steps, *watched):
    run = lab.watch(*watched)
    run_steps()
    run.close()
    return run.record.verdicts, list(run.record.notes.values())


def cnn(activation=nn.ReLU, norm=False, depth=2, lr=0.05, scale=1.0, optimizer=optim.SGD, spoil=None, seed=0):
    lab.manual_seed(seed)
    X = lab.randn(256, 1, 8, 8) * scale
    y = (X[:, 0, :4].sum((1, 2)) > 0).long()
    parts = [part for k in range(depth) for part in (nn.Conv2d(8 if k else 1, 8, 3, padding=1), *([nn.BatchNorm2d(8)] if norm else []), activation())]
    model = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 2))
    if spoil:
        with lab.no_grad():
            spoil(model)
    chosen, criterion = optimizer(model.parameters(), lr=lr), nn.CrossEntropyLoss()

    def steps():
        for k in range(150):
            part = slice(32 * (k % 8), 32 * (k % 8) + 32)
            loss = criterion(model(X[part]), y[part])
            chosen.zero_grad()
            loss.backward()
            chosen.step()

    return followed(steps, model, chosen)


def recurrent(kind=nn.LSTM, lr=0.01, optimizer=optim.Adam, spoil=None, seed=0):
    lab.manual_seed(seed)
    X = lab.randn(12, 32, 3)
    y = X.sum((0, 2)).unsqueeze(1)
    cells, head = kind(3, 8), nn.Linear(8, 1)
    model = nn.ModuleList([cells, head])
    if spoil:
        with lab.no_grad():
            spoil(cells)
    chosen = optimizer(model.parameters(), lr=lr)

    def steps():
        for _ in range(100):
            loss = ((head(cells(X)[0][-1]) - y) ** 2).mean()
            chosen.zero_grad()
            loss.backward()
            chosen.step()

    return followed(steps, model, chosen)


def gan(seed=0):
    lab.manual_seed(seed)
    maker, judge = (nn.Sequential(nn.Linear(n, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, m)) for n, m in ((2, 2), (2, 1)))
    makes, judges = (optim.Adam(part.parameters(), lr=2e-3, betas=(0.5, 0.999)) for part in (maker, judge))
    criterion, true, false = nn.BCEWithLogitsLoss(), lab.ones(32, 1), lab.zeros(32, 1)

    def steps():
        for _ in range(200):
            real, fake = lab.randn(32, 2) * 0.3 + 1, maker(lab.randn(32, 2))
            judges.zero_grad()
            (criterion(judge(real), true) + criterion(judge(fake.detach()), false)).backward()
            judges.step()
            makes.zero_grad()
            criterion(judge(fake), true).backward()
            makes.step()

    return followed(steps, maker, judge, makes, judges)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("make", [cnn, lambda seed: cnn(norm=True, optimizer=optim.Adam, lr=1e-3, seed=seed), recurrent,
                                  lambda seed: recurrent(nn.GRU, seed=seed), lambda seed: recurrent(nn.RNN, seed=seed), gan],
                         ids=["cnn", "cnn, batch norm, adam", "lstm", "gru", "rnn", "gan"])
def test_healthy_nets_of_other_kinds_get_no_word(make, seed):
    assert make(seed=seed) == ({}, [])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("make, name, word", [
    (lambda: cnn(spoil=lambda model: model[0].bias.sub_(20.0)), "0.weight", "dead"),
    (lambda: cnn(nn.Sigmoid, depth=8), "0.weight", "vanishing"),
    (lambda: cnn(nn.Tanh, scale=100.0), "0.weight", "saturated"),
    (lambda: cnn(nn.LeakyReLU, lr=30.0), "0.weight", "exploding"),
    (lambda: recurrent(lr=50.0, optimizer=optim.SGD), "0.weight_ih_l0", "exploding"),
    (lambda: recurrent(nn.RNN, spoil=lambda cells: cells.weight_ih_l0.mul_(60.0)), "0.weight_ih_l0", "saturated"),
], ids=["dead cnn", "vanishing cnn", "saturated cnn", "exploding cnn", "exploding lstm", "saturated rnn"])
def test_what_was_broken_in_a_net_of_another_kind_is_named(make, name, word):
    verdicts, said = make()
    assert verdicts[name] == word and said
