"""`lab.watch` around plain loops: what it finds, that it changes no number, and that touches repeat exactly."""

from __future__ import annotations

import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import autodiff_lab as lab
from autodiff_lab import nn, optim
from autodiff_lab.core import observe
from autodiff_lab.utils.data import DataLoader, TensorDataset


@pytest.fixture(autouse=True)
def nobody_watches_afterwards():
    yield
    for observer in observe.followers:
        observe.detach(observer)


def weights(*models):
    return [parameter.detach().numpy().copy() for model in models for parameter in model.parameters()]


def same(a, b) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))


def blobs():
    X = lab.randn(96, 2)
    return X, (X[:, 0] * X[:, 1] > 0).long()


# Each trains a little and returns weights; `look(model, *optimizers)` starts the watching, or does nothing.


def mlp(look):
    X, y = blobs()
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
    optimizer, criterion = optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
    look(model, optimizer)
    loader = DataLoader(TensorDataset(X, y), batch_size=16, shuffle=True)
    for _ in range(6):
        for xb, yb in loader:
            loss = criterion(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return weights(model)


def cnn(look):
    X, y = lab.randn(24, 1, 8, 8), lab.arange(24) % 3
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    optimizer, criterion = optim.SGD(model.parameters(), lr=0.05, momentum=0.9), nn.CrossEntropyLoss()
    look(model, optimizer)
    for _ in range(40):
        optimizer.zero_grad()
        criterion(model(X), y).backward()
        optimizer.step()
    return weights(model)


def lstm(look):
    X, y = lab.randn(7, 4, 3), lab.randn(4, 1)
    recurrent, head = nn.LSTM(3, 8), nn.Linear(8, 1)
    model = nn.ModuleList([recurrent, head])
    optimizer = optim.RMSprop(model.parameters(), lr=0.01)
    look(model, optimizer)
    for _ in range(30):
        out, _state = recurrent(X)
        loss = ((head(out[-1]) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights(model)


def gan(look):
    real = lab.randn(32, 2) * 0.3 + 1
    maker, judge = (nn.Sequential(nn.Linear(n, 8), nn.LeakyReLU(0.2), nn.Linear(8, m)) for n, m in ((2, 2), (2, 1)))
    opt_maker, opt_judge = optim.Adam(maker.parameters(), lr=0.01), optim.Adam(judge.parameters(), lr=0.01)
    criterion = nn.BCEWithLogitsLoss()
    look(maker, judge, opt_maker, opt_judge)
    for _ in range(30):
        fake = maker(lab.randn(32, 2))
        opt_judge.zero_grad()
        loss_judge = criterion(judge(real), lab.ones(32, 1)) + criterion(judge(fake.detach()), lab.zeros(32, 1))
        loss_judge.backward()
        opt_judge.step()
        opt_maker.zero_grad()
        loss_maker = criterion(judge(fake), lab.ones(32, 1))
        loss_maker.backward()
        opt_maker.step()
    return weights(maker, judge)


def lbfgs(look):
    X, y = lab.randn(32, 3), lab.randn(32, 1)
    model = nn.Linear(3, 1)
    optimizer = optim.LBFGS(model.parameters(), lr=0.5)
    look(model, optimizer)

    def closure():
        optimizer.zero_grad()
        loss = ((model(X) - y) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(8):
        optimizer.step(closure)
    return weights(model)


def bare(look):
    w = lab.tensor([2.0, -1.0], requires_grad=True)
    look(w)
    for _ in range(25):
        loss = (w ** 2).sum()
        loss.backward()
        with lab.no_grad():
            w -= 0.05 * w.grad
        w.grad = None
    return [w.detach().numpy().copy()]


def trained(program, look=lambda *things: None):
    lab.manual_seed(3)
    random.seed(3)
    return program(look)


@pytest.mark.parametrize("program", [mlp, cnn, lstm, gan, lbfgs, bare])
def test_weights_are_bitwise_equal_with_and_without_the_watching(program):
    runs = []
    alone = trained(program)
    watched = trained(program, lambda *things: runs.append(lab.watch(*things, snapshots=True)))
    assert same(alone, watched)
    assert runs[0].step > 5


def test_losses_have_the_learners_names():
    run = []
    trained(gan, lambda *things: run.append(lab.watch(*things)))
    assert {"loss_judge", "loss_maker"} <= set(run[0].record.series)
    assert run[0].step == 30  # two optimizers step once a batch each
    assert len(run[0]["loss_maker"][0]) == 30


def test_a_loss_without_a_name_is_called_loss():
    run = []
    trained(cnn, lambda *things: run.append(lab.watch(*things)))
    assert list(run[0].record.series) == ["loss", "lr"]


def test_epochs_come_from_the_data_loader():
    run = []
    trained(mlp, lambda *things: run.append(lab.watch(*things)))
    assert run[0].epoch == 6
    assert run[0].record.epoch_marks[:2] == [(1, 1), (7, 2)]
    assert run[0].record.batch == (6, 6)


LOOPS = {
    "a range": ("for epoch in range(3):\n    for xb, yb in loader: step(xb, yb)", [3, 3, 3]),
    "names and sums": ("n = 1\nfor epoch in range(n, n + 2):\n    for i, (xb, yb) in enumerate(loader):\n        step(xb, yb)", [2, 2]),
    "a bar": ("for epoch in tqdm(range(2)):\n    for xb, yb in loader: step(xb, yb)", [2, 2]),
    "functions": ("def once():\n    for xb, yb in loader: step(xb, yb)\ndef train(epochs):\n    for epoch in range(epochs): once()\ntrain(2)", [2, 2]),
    "two loops, one after the other": ("for epoch in range(1):\n    for xb, yb in loader: step(xb, yb)\nfor epoch in range(2):\n    for xb, yb in loader: step(xb, yb)", [1, None, None]),
    "two loops in a turn": ("for epoch in range(1):\n    for xb, yb in loader: optimizer.step()\n    for xb, yb in loader: step(xb, yb)", [None]),
    "while": ("k = 0\nwhile k < 2:\n    k += 1\n    for xb, yb in loader: step(xb, yb)", [None, None]),
    "a list": ("for lr in [1, 2]:\n    for xb, yb in loader: step(xb, yb)", [None, None]),
    "an expression": ("for epoch in range(len([1, 2])):\n    for xb, yb in loader: step(xb, yb)", [None, None]),
    "one loop": ("for xb, yb in loader: step(xb, yb)", [None]),
}


@pytest.mark.parametrize("case", LOOPS)
def test_the_number_of_epochs_is_known_only_where_the_loop_says_it(case, tmp_path):
    code, expected = LOOPS[case]
    model = nn.Linear(2, 2)
    optimizer, criterion = optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(*blobs()), batch_size=48)
    run, seen = lab.watch(model, optimizer), []
    head = "def step(xb, yb):\n    criterion(model(xb), yb).backward()\n    optimizer.step()\n    seen.append((run.epoch, run.record.epochs))\n"
    file = tmp_path / "loop.py"
    file.write_text(head + code)
    exec(compile(head + code, str(file), "exec"), {"model": model, "optimizer": optimizer, "criterion": criterion, "loader": loader, "run": run, "seen": seen, "tqdm": list})
    found = dict(seen)
    assert [found[epoch] for epoch in sorted(found)] == expected


def test_epochs_that_were_told_stay():
    run = []
    trained(mlp, lambda *things: run.append(lab.watch(*things, epochs=9)))
    assert run[0].record.epochs == 9


def test_a_closure_counts_once_a_step():
    run = []
    trained(lbfgs, lambda *things: run.append(lab.watch(*things)))
    steps, values = run[0]["loss"]
    assert steps.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert values[0] == max(values)


def test_accumulated_gradients_give_the_loss_of_the_whole_step():
    model, X = nn.Linear(2, 1), lab.ones(8, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    run = lab.watch(model, optimizer)
    whole = (model(X) ** 2).mean().item()
    for part in X.split(2):
        loss = (model(part) ** 2).mean()
        (loss / 4).backward()
    optimizer.step()
    assert run["loss"][1] == pytest.approx([whole])


def test_bare_tensors_count_backward_passes_and_keep_their_names():
    w = lab.tensor([2.0, -1.0], requires_grad=True)
    run = lab.watch(w)
    for _ in range(5):
        (w ** 2).sum().backward()
    assert run.step == 5 and run.record.flow.names == ["w"]


def test_without_arguments_whatever_steps_is_followed():
    run = lab.watch()
    trained(mlp)
    assert run.step == 36 and "loss" in run.record.series and run.record.settings[0].path == "lr"


def test_another_models_steps_do_not_count():
    watched, other = nn.Linear(2, 1), nn.Linear(2, 1)
    run = lab.watch(watched)
    optimizer = optim.SGD(other.parameters(), lr=0.1)
    other(lab.ones(1, 2)).sum().backward()
    optimizer.step()
    assert run.step == 0 and not run.record.series


def test_gradients_taken_with_grad_are_no_losses():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    run = lab.watch(model, optimizer)
    x = lab.ones(1, 2, requires_grad=True)
    (slope,) = lab.autograd.grad(model(x).sum(), x, create_graph=True)
    penalty = (slope ** 2).sum()
    penalty.backward()
    optimizer.step()
    assert [name for name in run.record.series if name != "lr"] == ["penalty"]


def test_a_scheduler_shows_as_a_curve_of_the_learning_rate():
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    run = lab.watch(model, optimizer)
    for k in range(6):
        model(lab.ones(1, 2)).sum().backward()
        optimizer.step()
        if k == 2:
            optimizer.param_groups[0]["lr"] = 0.01
    steps, values = run["lr"]
    assert steps.tolist() == [1, 3, 4] and values.tolist() == [0.1, 0.1, 0.01]


def test_it_prints_nothing_and_needs_no_notebook(capsys):
    program = ("import sys; sys.modules['anywidget'] = sys.modules['IPython'] = None\n"
               "import autodiff_lab as lab\nw = lab.tensor(1.0, requires_grad=True)\nrun = lab.watch(w)\n"
               "for k in range(3): (w * w).backward(); w.grad = None\nassert run.step == 3")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ------------------------------------------------------------------------------------------------ driving


def drive(touches=(), wish=None, program=mlp, stop_ok=True, heard=False):
    """Train under watch; `wish(run)` may start a thread that touches. Returns weights and run."""
    runs = []

    def look(*things):
        run = lab.watch(*things, touches=touches, snapshots=True)
        run._watcher.controls.heard = lambda: heard
        runs.append(run)
        if wish:
            wish(run)

    kept = []
    lab.manual_seed(3)
    random.seed(3)
    original, models = weights, []

    def look_and_keep(*things):
        models.extend(thing for thing in things if hasattr(thing, "named_parameters"))
        look(*things)

    try:
        kept = program(look_and_keep)
    except observe.StopTraining:
        kept = original(*models)
    return kept, runs[0]


def test_a_setting_is_in_force_at_the_next_step():
    _, run = drive([(10, "set", "lr", 0.5)])
    steps, values = run["lr"]
    assert dict(zip(steps, values, strict=True))[11] == 0.5
    assert [touch.said() for touch in run.touches] == ["step 10  lr 0.01 → 0.5"]


@pytest.mark.parametrize("setting, value", [("lr", -1.0), ("betas[0]", 1.0), ("eps", -1.0)])
def test_a_setting_that_the_optimizer_refuses_changes_nothing_and_is_said(setting, value):
    kept, run = drive([(5, "set", setting, value)])
    assert same(kept, trained(mlp)) and run.touches == []
    assert run.record.notes["setting"].startswith(f"{setting} was not set to {value:g}: Invalid")


def test_a_setting_that_needs_what_was_not_kept_changes_nothing_and_is_said():
    kept, run = drive([(5, "set", "momentum", 0.9)], program=lstm)  # RMSprop
    assert same(kept, trained(lstm)) and "momentum_buffer" in run.record.notes["setting"]


def test_momentum_can_be_turned_on_in_the_middle():
    kept, run = drive([(5, "set", "momentum", 0.0), (9, "set", "momentum", 0.8)], program=tiny)
    assert len(run.touches) == 2 and not same(kept, trained(tiny))


def test_stop_ends_the_loop_and_leaves_a_consistent_model():
    kept, run = drive([(7, "stop")])
    assert run.step == 7 and run.record.ended == "stopped"
    with lab.watch(nn.Linear(1, 1)) as other:
        other.stop()
        w = lab.tensor(1.0, requires_grad=True)
        raise observe.StopTraining
    assert not same(kept, trained(mlp)) and w is not None


def test_rewind_returns_weights_optimizer_and_generators():
    kept, run = drive([(20, "rewind", 16)])
    assert run.step == 36 - 4
    assert run["loss"][0].tolist() == list(range(1, 33))
    again, _ = drive([(20, "rewind", 16)])
    assert same(kept, again)


def test_pausing_where_nobody_could_say_go_on_does_not_wait():
    drive(wish=lambda run: run.pause())


def test_one_batch_and_go_on_from_another_thread():
    seen = []

    def wish(run):
        controls = run._watcher.controls
        bell = threading.Event()
        controls.while_paused = lambda: (seen.append((run.step, controls.paused)), bell.set())

        def hand():
            controls.wish("pause")
            bell.wait(10)
            for kind in ("batch", "batch", "epoch", "resume"):
                bell.clear()
                controls.wish(kind)
                bell.wait(10)
                while controls.paused is False and kind in ("batch", "epoch") and len(seen) < 40:
                    bell.clear()
                    if not bell.wait(2):
                        break

        threading.Thread(target=hand, daemon=True).start()

    kept, run = drive(wish=wish, heard=True)
    assert same(kept, trained(mlp))
    kinds = [touch.kind for touch in run.touches]
    assert kinds[0] == "pause" and kinds.count("batch") == 2 and "epoch" in kinds and kinds[-1] == "resume"


@pytest.mark.parametrize("seed", range(12))
def test_random_touches_never_hang_and_repeat_bitwise(seed):
    """About a hundred touches in each of these runs, more than a thousand in all."""
    dice = random.Random(seed)
    finished = threading.Event()

    def wish(run):
        controls = run._watcher.controls

        def hand():
            for _ in range(100):
                kind = dice.choice(["pause", "resume", "batch", "set", "set", "rewind", "epoch"])
                details = {"set": {"setting": dice.choice(["lr", "betas[0]", "weight_decay", "nonsense"]), "value": dice.choice([0.0, 0.01, 0.003, 0.9])},
                           "rewind": {"step": dice.randint(0, 40)}}.get(kind, {})
                controls.wish(kind, **details)
                finished.wait(dice.random() * 0.002)
            while not finished.wait(0.02):  # whatever stands is sent on
                controls.wish("resume")

        threading.Thread(target=hand, daemon=True).start()

    kept, run = drive(wish=wish, heard=True)
    finished.set()
    replayed, second = drive([touch.as_tuple() for touch in run.touches])
    assert same(kept, replayed)
    assert run.step == second.step


def tiny(look):
    X, y = lab.randn(12, 2), lab.arange(12) % 2
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.2))
    optimizer, criterion = optim.SGD(model.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss()
    look(model, optimizer)
    loader = DataLoader(TensorDataset(X, y), batch_size=4, shuffle=True)
    for _ in range(4):
        for xb, yb in loader:
            optimizer.zero_grad()
            criterion(model(xb), yb).backward()
            optimizer.step()
    return weights(model)


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_random_sequences_of_touches_end_and_repeat_bitwise(block):
    """A hundred short runs in each block; wishes come from another thread at random moments, stop among them."""
    for seed in range(100 * block, 100 * block + 100):
        dice, finished = random.Random(seed), threading.Event()
        sequence = [dice.choice(["pause", "resume", "batch", "epoch", "set", "set", "rewind", "why", *(["stop"] if dice.random() < 0.1 else [])]) for _ in range(dice.randint(1, 9))]

        def wish(run, dice=dice, finished=finished, sequence=sequence):
            controls = run._watcher.controls

            def hand():
                for kind in sequence:
                    details = {"set": {"setting": dice.choice(["lr", "momentum", "weight_decay"]), "value": dice.choice([0.0, 0.01, 0.5])},
                               "rewind": {"step": dice.randint(0, 12)}}.get(kind, {})
                    controls.wish(kind, **details)
                    finished.wait(dice.random() * 0.001)
                while not finished.wait(0.002):  # whatever stands is sent on
                    controls.wish("resume")

            run._watcher.snapshots.every = 4
            threading.Thread(target=hand, daemon=True).start()

        kept, run = drive(wish=wish, program=tiny, heard=True)
        finished.set()
        replayed, second = drive([touch.as_tuple() for touch in run.touches], wish=lambda run: setattr(run._watcher.snapshots, "every", 4), program=tiny)
        assert same(kept, replayed) and run.step == second.step, (seed, run.as_code())
        run.close()
        second.close()


def test_the_code_of_the_touches_repeats_the_run():
    kept, run = drive([(5, "set", "lr", 0.003), (9, "set", "betas[0]", 0.5), (20, "rewind", 16), (30, "stop")])
    code = run.as_code()
    scope = {"lab": type("Lab", (), {"watch": staticmethod(lambda *things, touches=(): touches)}), "model": None, "optimizer": None}
    exec(code, scope)
    again, _ = drive(scope["run"])
    assert same(kept, again)


def test_settings_of_several_optimizers_and_groups_are_told_apart():
    a, b = nn.Linear(1, 1), nn.Linear(1, 1)
    first = optim.SGD([{"params": [a.weight]}, {"params": [a.bias], "lr": 0.5}], lr=0.1)
    second = optim.Adam(b.parameters(), lr=0.2)
    run = lab.watch(a, b, first, second)
    rates = {setting.path: setting.value for setting in run._watcher.read_settings() if setting.label == "lr"}
    assert rates == {"lr": 0.1, "0.1.lr": 0.5, "1.0.lr": 0.2}


def test_a_wrong_touch_says_what_a_touch_is():
    with pytest.raises(ValueError, match=r"Copy the list that run.as_code"):
        lab.watch(touches=[(3, "fly")])


def test_something_that_cannot_be_watched_is_named():
    with pytest.raises(TypeError, match="follows modules, optimizers, schedulers and tensors, got int"):
        lab.watch(3)


# ------------------------------------------------------------------------------------------------ why, and saved pages


def test_why_asks_the_doctor_between_two_steps_and_changes_nothing():
    def broken(look):
        X, y = blobs()
        model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
        with lab.no_grad():
            model[0].bias.sub_(30.0)
        optimizer, criterion = optim.SGD([model[2].weight, model[2].bias], lr=0.1), nn.CrossEntropyLoss()
        look(model, optimizer)
        for _ in range(20):
            optimizer.zero_grad()
            criterion(model(X), y).backward()
            optimizer.step()
        return weights(model)

    kept, run = drive(wish=lambda run: run._watcher.controls.wish("why"), program=broken)
    said = [cause["words"] for cause in run.record.why]
    assert any("The optimizer does not hold 0.weight, 0.bias" in words for words in said)
    assert any("Every unit of this ReLU gives 0" in words for words in said)  # read from the loss while its graph was there
    assert all(cause["cure"] for cause in run.record.why)
    assert run.touches == [] and same(kept, trained(broken))


def test_why_of_a_healthy_run_is_a_clean_bill():
    _, run = drive(wish=lambda run: run._watcher.controls.wish("why"))
    assert [cause["words"].split(":")[0] for cause in run.record.why] == ["The doctor found nothing"]


def test_a_run_is_saved_as_a_page_that_holds_its_numbers(tmp_path):
    _, run = drive([(10, "set", "lr", 0.5)])
    file = tmp_path / "run.html"
    try:
        text = run.to_html(file)
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    assert file.read_text(encoding="utf8") == text and "http://" not in text.replace("http://www.w3.org/", "")
    assert "36 steps" in text and "<svg" in text
    run.save(tmp_path / "run.zip")
    assert lab.Run.load(tmp_path / "run.zip").to_html() == text


def test_parameters_of_several_models_are_called_after_their_variables():
    G, D = nn.Linear(1, 1), nn.Linear(1, 1)
    run = lab.watch([G, D, nn.Linear(1, 1)], optim.SGD([*G.parameters(), *D.parameters()], lr=0.1))
    (D(G(lab.ones(1, 1)))).sum().backward()
    assert [name for name, _ in run._watcher.model.named_parameters()] == ["G.weight", "G.bias", "D.weight", "D.bias", "linear3.weight", "linear3.bias"]
    run.close()


def test_smoothing_follows_the_axis_and_leaves_gaps():
    from autodiff_lab.record.smooth import smooth

    halves = 0.5 ** np.arange(60)
    assert smooth(halves, log=True)[-1] < 4 * halves[-1] and smooth(halves)[-1] > 1e3 * halves[-1]
    assert smooth(np.array([1.0, np.nan, 1.0, np.inf])).tolist()[::2] == [1.0, 1.0] and np.isnan(smooth(np.array([1.0, np.nan]))[1])
