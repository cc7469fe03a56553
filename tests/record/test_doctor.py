"""The doctor names the cause of each broken program, and gives healthy ones a clean bill."""

import pytest

import autodiff_lab as lab
from autodiff_lab import nn
from autodiff_lab.record.doctor import loops

F = nn.functional


def causes(*things, **options) -> list[str]:
    return [f.cause for f in lab.diagnose(*things, **options).findings]


def regression():
    lab.manual_seed(0)
    return lab.randn(16, 3), lab.randn(16, 1)


def test_a_healthy_program_gets_a_clean_bill():
    x, y = regression()
    model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = lab.optim.SGD(model.parameters(), lr=0.01)
    loss = F.mse_loss(model(x), y)
    loss.backward()
    report = lab.diagnose(loss, model, optimizer)
    assert report.healthy, report
    assert "clean bill" in repr(report)


def test_integers_have_no_gradient():
    assert causes(lab.tensor([1, 2])) == ["integer dtype"]


def test_an_intermediate_keeps_no_gradient():
    x = lab.ones(2, requires_grad=True)
    h = x * 2
    loss = h.sum()
    loss.backward()
    assert "not a leaf" in causes(loss, h)


def test_an_orphan_layer_is_found():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(3, 3)]
            self.head = nn.Linear(3, 1)

    report = lab.diagnose(Net())
    assert report.findings[0].cause == "orphan layer"
    assert "ModuleList" in report.findings[0].cure


def test_a_parameter_outside_the_optimizer_is_found():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    assert "not in the optimizer" in causes(model, optimizer=lab.optim.SGD(model[0].parameters(), lr=0.1))


@pytest.mark.parametrize("build, cause", [
    (lambda z, t: F.cross_entropy(lab.softmax(z, 1), t), "softmax twice"), (lambda z, t: F.nll_loss(lab.softmax(z, 1), t), "nll of probabilities"),
    (lambda z, t: lab.log(lab.relu(z)).sum(), "log of nothing"), (lambda z, t: ((z.sum(1, True) - t.float()) ** 2).mean(), "broadcast targets"),
    (lambda z, t: lab.sigmoid(z * 500).sum(), "saturated"), (lambda z, t: lab.relu(z - 100).sum(), "dead relu")])
def test_the_graph_shows_the_cause(build, cause):
    lab.manual_seed(0)
    z = lab.randn(8, 4, requires_grad=True)
    assert cause in causes(build(z, lab.arange(8) % 4))


def test_a_loss_without_a_graph_says_so():
    with lab.no_grad():
        loss = (lab.ones(2, requires_grad=True) * 2).sum()
    assert "no graph" in causes(loss)


@pytest.mark.parametrize("text, cause", [
    ("for x in data:\n    loss = f(x)\n    loss.backward()\n    opt.step()", "no zero_grad"), ("for x in data:\n    loss.backward()\n    opt.zero_grad()\n    opt.step()", "late zero_grad"),
    ("for x in data:\n    opt.zero_grad()\n    opt.step()\n    loss.backward()", "step first"), ("for x in data:\n    opt.zero_grad()\n    loss.backward()\n    opt.step()", None),
    ("for x in data:\n    loss.backward()\n    opt.step()\n    opt.zero_grad()", None)])
def test_the_loop_is_read(text, cause):
    assert [f.cause for f in loops([("cell 1", text)])] == ([cause] if cause else [])


def test_eval_mode_while_training_is_noticed():
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)) if hasattr(nn, "BatchNorm1d") else pytest.skip("no BatchNorm1d yet")
    model.eval()
    model(lab.randn(4, 3)).sum().backward()
    assert "eval mode" in causes(model)


def test_a_huge_learning_rate_is_noticed():
    x, y = regression()
    model = nn.Linear(3, 1)
    F.mse_loss(model(x), y * 1000).backward()
    assert "learning rate" in causes(model, lab.optim.SGD(model.parameters(), lr=10.0))


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="looks at tensors, modules and optimizers"):
        lab.diagnose("loss")
