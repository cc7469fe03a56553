"""Times training steps against other libraries of NumPy's size: MyGrad, HIPS autograd and tinygrad on the CPU.

    python benchmarks/peers.py                       every step, every peer that is installed
    python benchmarks/peers.py digits_mlp --json out.json

Each peer's step is written as its own users write it, starts from our weights, and must give our losses over the first
steps. Ratios are the peer's CPU time / ours: 3 means that the peer takes three times as long. Chainer, the fourth of
them, does not build on the Pythons that we support. tinygrad compiles its kernels, with the compiler named by CC
(clang), and replays the whole step by TinyJit; compiling is not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import statistics
import time

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("DEV", "CPU")  # for tinygrad
os.environ.setdefault("THREADS", "1")

import numpy as np  # noqa: E402
from workloads import WORKLOADS  # noqa: E402

import autodiff_lab as lab  # noqa: E402

PEERS: dict[str, dict] = {}


def peer(library: str, name: str):
    """Register a function that makes the step `name` with `library` from our weights, input and target."""
    def register(make):
        PEERS.setdefault(name, {})[library] = make
        return make
    return register


class Adam:
    """The usual update of a list of arrays, in place, for libraries without optimizers; with `decay`, AdamW's."""

    def __init__(self, arrays, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, decay=0.0):
        self.arrays, self.lr, self.betas, self.eps, self.decay, self.t = arrays, lr, betas, eps, decay, 0
        self.m, self.v = [np.zeros_like(a) for a in arrays], [np.zeros_like(a) for a in arrays]

    def update(self, grads):
        self.t += 1
        b1, b2 = self.betas
        for a, g, m, v in zip(self.arrays, grads, self.m, self.v, strict=True):
            if self.decay:
                a *= 1 - self.lr * self.decay
            m += (1 - b1) * (g - m)
            v += (1 - b2) * (g * g - v)
            a -= self.lr / (1 - b1 ** self.t) * m / (np.sqrt(v / (1 - b2 ** self.t)) + self.eps)


class Momentum:
    """The same for gradient descent with momentum."""

    def __init__(self, arrays, lr, momentum):
        self.arrays, self.lr, self.momentum = arrays, lr, momentum
        self.v = [np.zeros_like(a) for a in arrays]

    def update(self, grads):
        for a, g, v in zip(self.arrays, grads, self.v, strict=True):
            v *= self.momentum
            v += g
            a -= self.lr * v


GPT_BLOCK = 12  # arrays in a block of small_gpt: scale and shift of two norms, then weight and bias of four linear maps


def gpt_blocks(arrays) -> list:
    """The arrays of each block."""
    return [arrays[i:i + GPT_BLOCK] for i in range(0, len(arrays), GPT_BLOCK)]


# ---- MyGrad ----

def mygrad_training(forward, arrays: list, x, y, optimizer):
    import mygrad
    from mygrad.nnet.losses import softmax_crossentropy

    parameters = [mygrad.tensor(a, copy=False) for a in arrays]

    def step():
        loss = softmax_crossentropy(forward(x, *parameters), y)
        loss.backward()
        optimizer.update([p.grad for p in parameters])
        return loss.item()
    return step


@peer("mygrad", "digits_mlp")
def _(weights, x, y):
    from mygrad.nnet.activations import relu

    def forward(x, w0, b0, w1, b1, w2, b2):
        return relu(relu(x @ w0.T + b0) @ w1.T + b1) @ w2.T + b2
    arrays = list(weights.values())
    return mygrad_training(forward, arrays, x, y, Adam(arrays))


@peer("mygrad", "lenet")
def _(weights, x, y):
    from mygrad.nnet.activations import relu
    from mygrad.nnet.layers import conv_nd, max_pool

    def forward(x, k0, c0, k1, c1, w0, b0, w1, b1, w2, b2):
        x = max_pool(relu(conv_nd(x, k0, stride=1, padding=2) + c0.reshape(1, -1, 1, 1)), (2, 2), 2)
        x = max_pool(relu(conv_nd(x, k1, stride=1) + c1.reshape(1, -1, 1, 1)), (2, 2), 2)
        x = x.reshape(len(x), -1)
        return relu(relu(x @ w0.T + b0) @ w1.T + b1) @ w2.T + b2
    arrays = list(weights.values())
    return mygrad_training(forward, arrays, x, y, Momentum(arrays, 1e-2, 0.9))


@peer("mygrad", "char_lstm")
def _(weights, x, y):
    import mygrad
    from mygrad.nnet.activations import sigmoid

    H = 128

    def forward(x, table, w_ih, w_hh, b_ih, b_hh, w, b):
        rows = table[x] @ w_ih.T + (b_ih + b_hh)
        h, c, outputs = np.zeros((len(x), H), np.float32), np.zeros((len(x), H), np.float32), []
        for t in range(x.shape[1]):
            gates = rows[:, t] + h @ w_hh.T
            i, f, g, o = (gates[:, k * H:(k + 1) * H] for k in range(4))
            c = sigmoid(f) * c + sigmoid(i) * mygrad.tanh(g)
            h = sigmoid(o) * mygrad.tanh(c)
            outputs.append(h)
        return (mygrad.stack(outputs, axis=1) @ w.T + b).reshape(-1, len(b))
    arrays = list(weights.values())
    return mygrad_training(forward, arrays, x, y.reshape(-1), Adam(arrays))


@peer("mygrad", "small_gpt")
def _(weights, x, y):
    import mygrad
    from mygrad.nnet.activations import softmax

    heads, (B, L) = 4, x.shape
    unseen = np.triu(np.full((L, L), -np.inf, np.float32), 1)

    def norm(x, scale, shift):
        centered = x - x.mean(-1, keepdims=True)
        return centered / mygrad.sqrt((centered ** 2).mean(-1, keepdims=True) + np.float32(1e-5)) * scale + shift

    def gelu(x):  # MyGrad has no erf
        return x * (mygrad.tanh((x + 0.044715 * x * x * x) * math.sqrt(2 / math.pi)) + 1) * 0.5

    def forward(x, tok, pos, *rest):
        *blocks, scale, shift, w, b = rest
        h = tok[x] + pos
        for s1, t1, s2, t2, w_qkv, b_qkv, w_out, b_out, w_up, b_up, w_down, b_down in gpt_blocks(blocks):
            parts = (norm(h, s1, t1) @ w_qkv.T + b_qkv).reshape(B, L, 3, heads, -1).transpose(2, 0, 3, 1, 4)
            q, k, v = parts[0], parts[1], parts[2]
            seen = softmax(q @ k.swapaxes(-1, -2) * np.float32(q.shape[-1] ** -0.5) + unseen)
            h = h + (seen @ v).transpose(0, 2, 1, 3).reshape(B, L, -1) @ w_out.T + b_out
            h = h + gelu(norm(h, s2, t2) @ w_up.T + b_up) @ w_down.T + b_down
        return (norm(h, scale, shift) @ w.T + b).reshape(-1, len(b))
    arrays = list(weights.values())
    return mygrad_training(forward, arrays, x, y.reshape(-1), Adam(arrays, decay=1e-2))


# ---- HIPS autograd ----

def autograd_training(forward, arrays: list, x, y, optimizer):
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    def objective(parameters):
        logits = forward(x, *parameters)
        return anp.mean(logsumexp(logits, axis=1) - logits[anp.arange(len(y)), y])
    both = value_and_grad(objective)

    def step():
        loss, grads = both(arrays)
        optimizer.update(grads)
        return float(loss)
    return step


@peer("autograd", "digits_mlp")
def _(weights, x, y):
    import autograd.numpy as anp

    def forward(x, w0, b0, w1, b1, w2, b2):
        x = anp.maximum(anp.dot(x, w0.T) + b0, 0)
        return anp.dot(anp.maximum(anp.dot(x, w1.T) + b1, 0), w2.T) + b2
    arrays = list(weights.values())
    return autograd_training(forward, arrays, x, y, Adam(arrays))


@peer("autograd", "lenet")
def _(weights, x, y):
    import autograd.numpy as anp
    from autograd.scipy.signal import convolve

    def convolved(x, kernel, bias):  # as in autograd's own example convnet.py; the true convolution turns the kernel around
        turned = anp.transpose(kernel, (1, 0, 2, 3))[:, :, ::-1, ::-1]
        return convolve(x, turned, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="valid") + anp.reshape(bias, (1, -1, 1, 1))

    def pooled(x):
        N, C, H, W = x.shape
        return anp.max(anp.max(anp.reshape(x, (N, C, H // 2, 2, W // 2, 2)), axis=5), axis=3)

    def forward(x, k0, c0, k1, c1, w0, b0, w1, b1, w2, b2):
        x = pooled(anp.maximum(convolved(x, k0, c0), 0))
        x = pooled(anp.maximum(convolved(x, k1, c1), 0))
        x = anp.reshape(x, (x.shape[0], -1))
        x = anp.maximum(anp.dot(x, w0.T) + b0, 0)
        return anp.dot(anp.maximum(anp.dot(x, w1.T) + b1, 0), w2.T) + b2
    arrays = list(weights.values())
    return autograd_training(forward, arrays, np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2))), y, Momentum(arrays, 1e-2, 0.9))


@peer("autograd", "char_lstm")
def _(weights, x, y):
    import autograd.numpy as anp

    H = 128

    def sigmoid(x):
        return 0.5 * (anp.tanh(x / 2) + 1)

    def forward(x, table, w_ih, w_hh, b_ih, b_hh, w, b):
        rows = anp.dot(table[x], w_ih.T) + (b_ih + b_hh)
        h, c, outputs = anp.zeros((len(x), H), "float32"), anp.zeros((len(x), H), "float32"), []
        for t in range(x.shape[1]):
            gates = rows[:, t] + anp.dot(h, w_hh.T)
            c = sigmoid(gates[:, H:2 * H]) * c + sigmoid(gates[:, :H]) * anp.tanh(gates[:, 2 * H:3 * H])
            h = sigmoid(gates[:, 3 * H:]) * anp.tanh(c)
            outputs.append(h)
        return anp.reshape(anp.dot(anp.stack(outputs, axis=1), w.T) + b, (-1, len(b)))
    arrays = list(weights.values())
    return autograd_training(forward, arrays, x, y.reshape(-1), Adam(arrays))


@peer("autograd", "small_gpt")
def _(weights, x, y):
    import autograd.numpy as anp
    from autograd.scipy.special import erf, logsumexp

    heads, (B, L) = 4, x.shape
    unseen = np.triu(np.full((L, L), -np.inf, np.float32), 1)

    def norm(x, scale, shift):
        centered = x - anp.mean(x, axis=-1, keepdims=True)
        return centered / anp.sqrt(anp.mean(centered ** 2, axis=-1, keepdims=True) + np.float32(1e-5)) * scale + shift

    def gelu(x):
        return x * (erf(x * np.float32(math.sqrt(0.5))) + 1) * 0.5

    def forward(x, tok, pos, *rest):
        *blocks, scale, shift, w, b = rest
        h = tok[x] + pos
        for s1, t1, s2, t2, w_qkv, b_qkv, w_out, b_out, w_up, b_up, w_down, b_down in gpt_blocks(blocks):
            parts = anp.reshape(anp.dot(norm(h, s1, t1), w_qkv.T) + b_qkv, (B, L, 3, heads, -1))
            q, k, v = (anp.transpose(parts[:, :, i], (0, 2, 1, 3)) for i in range(3))
            scores = anp.matmul(q, anp.swapaxes(k, -1, -2)) * np.float32(q.shape[-1] ** -0.5) + unseen
            seen = anp.exp(scores - logsumexp(scores, axis=-1, keepdims=True))
            h = h + anp.dot(anp.reshape(anp.transpose(anp.matmul(seen, v), (0, 2, 1, 3)), (B, L, -1)), w_out.T) + b_out
            h = h + anp.dot(gelu(anp.dot(norm(h, s2, t2), w_up.T) + b_up), w_down.T) + b_down
        return anp.reshape(anp.dot(norm(h, scale, shift), w.T) + b, (-1, len(b)))
    arrays = list(weights.values())
    return autograd_training(forward, arrays, x, y.reshape(-1), Adam(arrays, decay=1e-2))


# ---- tinygrad ----

def tinygrad_training(forward, weights: dict, x, y, make_optimizer):
    from tinygrad import Context, Tensor, TinyJit

    parameters = [Tensor(a) for a in weights.values()]
    optimizer = make_optimizer(parameters)
    x, y = Tensor(x), Tensor(y)

    @TinyJit
    def compiled():
        with Context(TRAINING=1):
            optimizer.zero_grad()
            loss = forward(x, *parameters).sparse_categorical_crossentropy(y).backward()
            return loss.realize(*optimizer.schedule_step())
    return lambda: compiled().item()


@peer("tinygrad", "digits_mlp")
def _(weights, x, y):
    from tinygrad.nn.optim import Adam

    def forward(x, w0, b0, w1, b1, w2, b2):
        return x.linear(w0.T, b0).relu().linear(w1.T, b1).relu().linear(w2.T, b2)
    return tinygrad_training(forward, weights, x, y, lambda p: Adam(p, lr=1e-3))


@peer("tinygrad", "lenet")
def _(weights, x, y):
    from tinygrad.nn.optim import SGD

    def forward(x, k0, c0, k1, c1, w0, b0, w1, b1, w2, b2):
        x = x.conv2d(k0, c0, padding=2).relu().max_pool2d(2).conv2d(k1, c1).relu().max_pool2d(2).flatten(1)
        return x.linear(w0.T, b0).relu().linear(w1.T, b1).relu().linear(w2.T, b2)
    return tinygrad_training(forward, weights, x, y, lambda p: SGD(p, lr=1e-2, momentum=0.9))


@peer("tinygrad", "small_gpt")
def _(weights, x, y):
    from tinygrad import Tensor
    from tinygrad.nn.optim import AdamW

    heads, (B, L) = 4, x.shape

    def norm(x, scale, shift):
        return x.layernorm(eps=1e-5) * scale + shift

    def gelu(x):  # its own gelu is the approximation
        return x * ((x * math.sqrt(0.5)).erf() + 1) * 0.5

    def forward(x, tok, pos, *rest):
        *blocks, scale, shift, w, b = rest
        h = tok[x] + pos
        for s1, t1, s2, t2, w_qkv, b_qkv, w_out, b_out, w_up, b_up, w_down, b_down in gpt_blocks(blocks):
            q, k, v = norm(h, s1, t1).linear(w_qkv.T, b_qkv).reshape(B, L, 3, heads, -1).permute(2, 0, 3, 1, 4).chunk(3)
            seen: Tensor = q.scaled_dot_product_attention(k, v, is_causal=True)
            h = h + seen.squeeze(0).transpose(1, 2).reshape(B, L, -1).linear(w_out.T, b_out)
            h = h + gelu(norm(h, s2, t2).linear(w_up.T, b_up)).linear(w_down.T, b_down)
        return norm(h, scale, shift).linear(w.T, b).reshape(B * L, -1)
    return tinygrad_training(forward, weights, x, y.reshape(-1), lambda p: AdamW(p, lr=1e-3, weight_decay=1e-2))


@peer("tinygrad", "small_resnet")
def _(weights, x, y):  # MyGrad and autograd have no strided convolution that fits these sizes
    from tinygrad.nn.optim import SGD

    def norm(x, scale, shift):
        mean = x.mean((0, 2, 3))
        var = (x - mean.reshape(1, -1, 1, 1)).square().mean((0, 2, 3))
        return x.batchnorm(scale, shift, mean, (var + 1e-5).rsqrt())

    def forward(x, *arrays):
        rest = iter(arrays)

        def convolved(x, stride=1, padding=1):
            return norm(x.conv2d(next(rest), stride=stride, padding=padding), next(rest), next(rest))
        x = convolved(x).relu()
        for stride in (1, 2, 2):
            z = convolved(convolved(x, stride).relu())
            x = (z + (x if stride == 1 else convolved(x, stride, 0))).relu()
        return x.mean((2, 3)).linear(next(rest).T, next(rest))
    return tinygrad_training(forward, weights, x, y, lambda p: SGD(p, lr=1e-2, momentum=0.9))


# ---- measuring ----

def ours(name: str):
    """Our step, and copies of what it starts from."""
    step = WORKLOADS["steps"][name](lab)
    weights = {key: value.detach().numpy().copy() for key, value in step.model.named_parameters()}
    x, y = (part.numpy().copy() for part in step.batch)
    return lambda: float(step()), weights, x, y


def block(step, count: int) -> float:
    """CPU seconds per step."""
    start = time.process_time()
    for _ in range(count):
        step()
    return (time.process_time() - start) / count


def measure(name: str, make, seconds: float) -> dict:
    """Medians over alternating blocks, after comparing the losses of the first steps."""
    mine, weights, x, y = ours(name)
    theirs = make(weights, x, y)
    losses = [(mine(), theirs()) for _ in range(5)]
    difference = max(abs(a - b) for a, b in losses)
    if difference > 2e-3:
        raise AssertionError(f"the losses differ by {difference:.1e}: {losses}")
    counts = [max(1, int(0.05 / block(step, 3))) for step in (mine, theirs)]
    times: tuple[list, list] = [], []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[0]) < 3:
        for step, count, kept in zip((mine, theirs), counts, times, strict=True):
            kept.append(block(step, count))
    a, b = (statistics.median(t) for t in times)
    return {"ours_us": a * 1e6, "peer_us": b * 1e6, "ratio": b / a, "difference": difference}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"some of {list(PEERS)}; default: all")
    parser.add_argument("--seconds", type=float, default=5, help="time per step and peer")
    parser.add_argument("--json")
    options = parser.parse_args()
    results: dict[str, dict] = {}
    for name in options.names or PEERS:
        for library, make in PEERS[name].items():
            if importlib.util.find_spec(library) is None:
                print(f"{name:12} {library:10} is not installed")
                continue
            try:
                found = measure(name, make, options.seconds)
            except Exception as error:  # one peer's trouble must not hide the others
                print(f"{name:12} {library:10} failed: {type(error).__name__}: {str(error)[:160]}", flush=True)
                continue
            results.setdefault(name, {})[library] = found
            print(f"{name:12} {library:10} {found['peer_us']:12.1f} µs  ours {found['ours_us']:12.1f} µs  ratio {found['ratio']:7.2f}  losses differ by {found['difference']:.1e}", flush=True)
    for library in sorted({peer for found in results.values() for peer in found}):
        ratios = [found[library]["ratio"] for found in results.values() if library in found]
        print(f"{library:10} geometric mean {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}, least {min(ratios):.2f}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
