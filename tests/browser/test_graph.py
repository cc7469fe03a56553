"""The Graph panel in a real notebook: it appears by itself, steps, folds, searches, and every interaction works by mouse and keyboard."""

LEAVES = "import autodiff_lab as lab\n%load_ext autodiff_lab\nw = lab.tensor(2.0, requires_grad=True)\nx = lab.tensor(3.0)\nb = lab.tensor(-1.0, requires_grad=True)"
SCALARS = "y = (w * x + b) ** 2\ny.backward()"
MODEL = """from autodiff_lab import nn
class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
    def forward(self, x):
        h = lab.relu(self.fc1(x))
        return x + self.fc2(h)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(8) for _ in range(4)])
        self.head = nn.Linear(8, 3)
    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)
lab.manual_seed(0)
net = Net()
data, target = lab.randn(5, 8), lab.tensor([0, 1, 2, 0, 1])"""
LOSS = "loss = nn.CrossEntropyLoss()(net(data), target)\nloss.backward()"


def test_panel_appears_by_itself_with_names_values_and_gradients(lab):
    book = lab.open([LEAVES, SCALARS])
    book.run(0)
    book.run(1)
    panel = book.wait(".adl-panel")
    book.pause(0.4)
    book.shot("graph-scalars")
    said = [g.get_attribute("aria-label") for g in panel.locator("[role=treeitem]").all()]
    assert "w, a parameter, value 2, gradient 30." in said
    assert "y = (w * x + b) ** 2, line 1, value 25, gradient 1." in said
    assert not book.errors


def test_model_folds_and_opens(lab):
    book = lab.open([LEAVES, MODEL, LOSS])
    book.run_all()
    book.wait(".adl-panel")
    book.pause(0.4)
    book.shot("graph-model")
    assert not book.errors
