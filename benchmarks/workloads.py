"""What is timed: functions of a module `T` that is either library. Each returns a step and a way to see its result.

A workload builds its tensors from one seed, so that both libraries start from the same numbers and
the results can be compared before anything is timed.
"""

from __future__ import annotations

import importlib

WORKLOADS: dict[str, dict[str, object]] = {}


def workload(group: str):
    """Register a workload under `group`; its name is the function's."""
    def register(make):
        WORKLOADS.setdefault(group, {})[make.__name__] = make
        return make
    return register


def part(T, name: str):
    return importlib.import_module(f"{T.__name__}.{name}")


# ---- overhead: tiny tensors, where Python is all there is ----

@workload("overhead")
def scalar_expression(T):
    w, x, b = T.tensor(2.0, requires_grad=True), T.tensor(3.0), T.tensor(-1.0, requires_grad=True)

    def step():
        w.grad = b.grad = None
        y = w * x + b
        for _ in range(50):
            y = (y * w + b) * 0.5 - x
        y.backward()
        return w.grad
    return step


@workload("overhead")
def tiny_tensors(T):
    T.manual_seed(0)
    x, y, w = T.randn(4, 6), T.randn(4, 6), T.randn(6, 3)

    def step():
        z = T.exp(x * 0.5) + y / 3 - T.tanh(x)
        return ((T.relu(z) @ w).sum(0) * 2).mean()
    return step


@workload("overhead")
def mlp_gradient_16(T):
    T.manual_seed(0)
    x, w1, w2 = T.randn(16, 16), T.randn(16, 16, requires_grad=True), T.randn(16, 16, requires_grad=True)

    def step():
        w1.grad = w2.grad = None
        loss = ((T.relu(x @ w1) @ w2) ** 2).mean()
        loss.backward()
        return w1.grad
    return step


@workload("overhead")
def mlp_step_16(T):
    """A whole step: layers, loss, backward, optimizer."""
    nn, optim = part(T, "nn"), part(T, "optim")
    T.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    x, y, loss_of = T.randn(16, 16), T.randn(16, 16), nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.001)

    def step():
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss
    return step


@workload("overhead")
def shapes_and_indices(T):
    x = T.arange(24.0).reshape(4, 6)

    def step():
        y = x.view(2, 12).t()[1:5].unsqueeze(0).squeeze(0).reshape(-1)
        return y[2:].permute(0).expand(6)
    return step


# ---- depth ----

def chain(n):
    def make(T):
        x = T.tensor(1.0, requires_grad=True)

        def step():
            x.grad = None
            y = x
            for _ in range(n):
                y = y + 1.0
            y.backward()
            return x.grad
        return step
    make.__name__ = f"chain_{n}"
    return make


for length in (100, 10_000, 100_000):
    workload("depth")(chain(length))


# ---- elementwise and reductions ----

def elementwise(name, size):
    def make(T):
        T.manual_seed(1)
        x = T.rand(size) + 0.5
        function = getattr(T, name, None) or getattr(part(T, "nn.functional"), name)
        return lambda: function(x)
    make.__name__ = f"{name}_{size}"
    return make


for size in (1_000, 100_000):
    for name in ("exp", "log", "tanh", "sigmoid", "relu", "gelu", "sqrt", "sin", "sum", "mean", "max", "var"):
        workload("elementwise")(elementwise(name, size))


def of_two(name, size):
    def make(T):
        T.manual_seed(1)
        a, b, function = T.rand(size) + 0.5, T.rand(size) + 0.5, getattr(T, name)
        return lambda: function(a, b)
    make.__name__ = f"{name}_{size}"
    return make


for size in (1_000, 100_000):
    for name in ("add", "mul", "div", "maximum"):
        workload("elementwise")(of_two(name, size))


@workload("elementwise")
def softmax_256x128(T):
    T.manual_seed(1)
    x = T.randn(256, 128)
    return lambda: T.softmax(x, -1)


# ---- matmul and linear ----

def square_matmul(n):
    def make(T):
        T.manual_seed(1)
        a, b = T.randn(n, n), T.randn(n, n)
        return lambda: a @ b
    make.__name__ = f"matmul_{n}"
    return make


for n in (64, 256, 512):
    workload("matmul")(square_matmul(n))


@workload("matmul")
def linear_forward_backward(T):
    F = part(T, "nn.functional")
    T.manual_seed(1)
    x, w, b = T.randn(128, 256), T.randn(256, 256, requires_grad=True), T.randn(256, requires_grad=True)

    def step():
        w.grad = b.grad = None
        F.linear(x, w, b).sum().backward()
        return w.grad
    return step


# ---- layers ----

def layer(name, build, shape, group="layers"):
    def make(T):
        T.manual_seed(2)
        module = build(T.nn)
        x = T.randn(*shape).requires_grad_()

        def step():
            x.grad = None
            for p in module.parameters():
                p.grad = None
            out = module(x)
            out = out[0] if isinstance(out, tuple) else out
            out.sum().backward()
            return x.grad
        return step
    make.__name__ = name
    workload(group)(make)


layer("conv2d_3x3", lambda nn: nn.Conv2d(16, 32, 3, padding=1), (16, 16, 28, 28))
layer("conv2d_1x1", lambda nn: nn.Conv2d(32, 32, 1), (16, 32, 28, 28))
layer("conv2d_depthwise", lambda nn: nn.Conv2d(32, 32, 3, padding=1, groups=32), (8, 32, 28, 28))
layer("conv2d_lenet_second", lambda nn: nn.Conv2d(6, 16, 5), (64, 6, 14, 14))
layer("max_pool2d", lambda nn: nn.MaxPool2d(2), (16, 16, 28, 28))
layer("avg_pool2d", lambda nn: nn.AvgPool2d(2), (16, 16, 28, 28))
layer("batch_norm2d", lambda nn: nn.BatchNorm2d(16), (16, 16, 28, 28))
layer("layer_norm", lambda nn: nn.LayerNorm(128), (32, 64, 128))
layer("group_norm", lambda nn: nn.GroupNorm(4, 16), (16, 16, 28, 28))
layer("rnn", lambda nn: nn.RNN(32, 64), (40, 16, 32), "recurrent")
layer("gru", lambda nn: nn.GRU(32, 64), (40, 16, 32), "recurrent")
layer("lstm", lambda nn: nn.LSTM(32, 64), (40, 16, 32), "recurrent")


# ---- optimizers ----

def optimizer(name, options, shapes):
    def make(T):
        T.manual_seed(3)
        params = [T.randn(*shape).requires_grad_() for shape in shapes]
        for p in params:
            p.grad = T.randn(*p.shape)
        opt = getattr(T.optim, name)(params, **options)

        def step():
            opt.step()
            return params[0].detach()
        return step
    make.__name__ = f"{name}_{len(shapes)}_tensors" if options.get("momentum", 1) else f"plain_{name}_{len(shapes)}_tensors"
    workload("optimizers")(make)


optimizer("SGD", {"lr": 1e-4, "momentum": 0.9}, [(1000,)] * 100)
optimizer("SGD", {"lr": 1e-4, "momentum": 0}, [(1000, 1000)] * 4)
optimizer("Adam", {"lr": 1e-4}, [(1000,)] * 100)
optimizer("AdamW", {"lr": 1e-4}, [(1000, 1000)] * 4)


# ---- training steps that learners run ----

def training(T, model, make_batch, opt_name="Adam", **options):
    opt = getattr(T.optim, opt_name)(model.parameters(), **options)
    x, y = make_batch()
    loss_function = T.nn.CrossEntropyLoss()

    def step():
        opt.zero_grad()
        out = model(x)
        loss = loss_function(out.reshape(-1, out.shape[-1]), y.reshape(-1))
        loss.backward()
        opt.step()
        return loss.detach()
    step.model, step.batch = model, (x, y)
    return step


@workload("steps")
def digits_mlp(T):
    T.manual_seed(4)
    nn = T.nn
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    return training(T, model, lambda: (T.rand(64, 64), T.randint(0, 10, (64,))), lr=1e-3)


@workload("steps")
def lenet(T):
    T.manual_seed(4)
    nn = T.nn
    model = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))
    return training(T, model, lambda: (T.rand(64, 1, 28, 28), T.randint(0, 10, (64,))), "SGD", lr=1e-2, momentum=0.9)


@workload("steps")
def char_lstm(T):
    T.manual_seed(4)
    nn = T.nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm, self.head = nn.Embedding(65, 64), nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 65)

        def forward(self, x):
            return self.head(self.lstm(self.embed(x))[0])
    return training(T, Model(), lambda: (T.randint(0, 65, (32, 64)), T.randint(0, 65, (32, 64))), lr=1e-3)


@workload("steps")
def small_gpt(T):
    T.manual_seed(4)
    nn = T.nn
    F = part(T, "nn.functional")

    class Block(nn.Module):
        def __init__(self, width, heads):
            super().__init__()
            self.heads = heads
            self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            B, L, E = x.shape
            q, k, v = self.qkv(self.ln1(x)).view(B, L, 3, self.heads, E // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
            a = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(a.transpose(1, 2).reshape(B, L, E))
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tok, self.pos = nn.Embedding(65, 64), nn.Embedding(64, 64)
            self.blocks = nn.Sequential(*[Block(64, 4) for _ in range(4)])
            self.ln, self.head = nn.LayerNorm(64), nn.Linear(64, 65)

        def forward(self, x):
            return self.head(self.ln(self.blocks(self.tok(x) + self.pos(T.arange(x.shape[1])))))
    return training(T, GPT(), lambda: (T.randint(0, 65, (12, 64)), T.randint(0, 65, (12, 64))), "AdamW", lr=1e-3)


@workload("steps")
def small_resnet(T):
    T.manual_seed(4)
    nn = T.nn

    class Block(nn.Module):
        def __init__(self, inside, out, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
            self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
            self.skip = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if stride != 1 or inside != out else nn.Identity()

        def forward(self, x):
            y = T.relu(self.bn1(self.conv1(x)))
            return T.relu(self.bn2(self.conv2(y)) + self.skip(x))
    model = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    return training(T, model, lambda: (T.rand(16, 3, 32, 32), T.randint(0, 10, (16,))), "SGD", lr=1e-2, momentum=0.9)
