"""What an error in a notebook shows: the learner's lines and the operator's own, not the text that the library writes for itself."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

MODEL = """
import autodiff_lab as lab
from autodiff_lab import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 2)
    def forward(self, x):
        return self.b(lab.relu(self.a(x)))
net = Net()
"""


@pytest.mark.parametrize(("cell", "shown"), [
    ("net(lab.ones(2, 3))", ["return self.b(lab.relu(self.a(x)))", "Linear expects 5 features"]),
    ("net.a.register_forward_hook(lambda *_: None); net(lab.ones(2, 4))", ["return self.b(lab.relu(self.a(x)))", "Linear expects 3 features"]),
    ("lab.ones(2) @ lab.ones(3)", ["lab.ones(2) @ lab.ones(3)"]),
    ("nn.functional.softmax(lab.ones(3), 'a')", ["must be int, not str"]),
])
def test_an_error_shows_the_lines_of_the_learner(cell, shown, capsys):
    shell = InteractiveShell()
    shell.run_line_magic("colors", "nocolor")
    shell.run_cell(MODEL)
    capsys.readouterr()
    assert not shell.run_cell(cell).success
    said = capsys.readouterr().out
    for text in shown:
        assert text in said
    assert "<operator" not in said and "in Module.__call__" not in said and "_call_with_hooks" not in said
