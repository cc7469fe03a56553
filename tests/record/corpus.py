"""Cells with what the recorder must find in them, worked out by hand: (operator, line, name, turn) in the order of running.

Every cell is run as a cell of a notebook would be: compiled under a file name of its own. `SETUP` runs before each.
"""

SETUP = """
w = lab.tensor(2.0, requires_grad=True)
b = lab.tensor(-1.0, requires_grad=True)
x = lab.tensor(3.0)
W = lab.ones(3, 3, requires_grad=True)
v = lab.ones(3, requires_grad=True)
"""

CELLS = {
    "assignment": ("z = w * x", [("mul", 1, "z", None)]),
    "an expression of several operators": ("y = (w * x + b) ** 2", [("mul", 1, "", None), ("add", 1, "", None), ("pow", 1, "y", None)]),
    "several lines": ("u = w * x\nz = u + b\ny = z ** 2", [("mul", 1, "u", None), ("add", 2, "z", None), ("pow", 3, "y", None)]),
    "no assignment": ("w * x", [("mul", 1, "", None)]),
    "two on one line": ("u = w * x; z = u + b", [("mul", 1, "u", None), ("add", 1, "z", None)]),
    "function call": ("t = lab.tanh(w)", [("tanh", 1, "t", None)]),
    "method": ("t = w.exp()", [("exp", 1, "t", None)]),
    "chain of methods": ("t = w.exp().tanh().abs()", [("exp", 1, "", None), ("tanh", 1, "", None), ("abs", 1, "t", None)]),
    "chain over lines": ("t = (w\n     .exp()\n     .tanh())", [("exp", 1, "", None), ("tanh", 1, "t", None)]),
    "nested calls": ("t = lab.exp(lab.tanh(w))", [("tanh", 1, "", None), ("exp", 1, "t", None)]),
    "call over lines": ("t = lab.exp(\n    lab.tanh(\n        w))", [("tanh", 2, "", None), ("exp", 1, "t", None)]),
    "unary": ("t = -w", [("neg", 1, "t", None)]),
    "number on the left": ("t = 2 * w", [("mul", 1, "t", None)]),
    "tuple unpacking": ("p, q = w * 2, w + 1", [("mul", 1, "p", None), ("add", 1, "q", None)]),
    "nested tuple to list": ("ps = [w * 2, w + 1]", [("mul", 1, "ps[0]", None), ("add", 1, "ps[1]", None)]),
    "dict": ("d = {'a': w * 2, 'b': w + 1}", [("mul", 1, "d['a']", None), ("add", 1, "d['b']", None)]),
    "several targets": ("p = q = w * 2", [("mul", 1, "p", None)]),
    "annotated": ("p: object = w * 2", [("mul", 1, "p", None)]),
    "walrus": ("if (p := w * 2) is not None: q = p + 1", [("mul", 1, "p", None), ("add", 1, "q", None)]),
    "attribute target": ("class Box: pass\nbox = Box()\nbox.h = w * 2", [("mul", 3, "box.h", None)]),
    "subscript target": ("d = {}\nd['k'] = w * 2", [("mul", 2, "d['k']", None)]),
    "augmented": ("h = w * 2\nh += 1", [("mul", 1, "h", None), ("add", 2, "h", None)]),
    "in place": ("h = w * 2\nh.add_(1)", [("mul", 1, "h", None), ("add", 2, "h", None)]),
    "in place, by a function": ("h = w * 2\nlab.relu_(h)", [("mul", 1, "h", None), ("relu", 2, "h", None)]),
    "in place, assigned": ("h = w * 2\nk = h.mul_(3)", [("mul", 1, "h", None), ("mul", 2, "k", None)]),
    "reassigned": ("h = w * 2\nh = h + 1\nh = h.exp()", [("mul", 1, "h", None), ("add", 2, "h", None), ("exp", 3, "h", None)]),
    "for": ("h = w\nfor t in range(3):\n    h = lab.tanh(h * w)", [("mul", 3, "", 1), ("tanh", 3, "h", 1), ("mul", 3, "", 2), ("tanh", 3, "h", 2), ("mul", 3, "", 3), ("tanh", 3, "h", 3)]),
    "while": ("h, k = w, 0\nwhile k < 2:\n    h = h * w\n    k += 1", [("mul", 3, "h", 1), ("mul", 3, "h", 2)]),
    "nested for": ("h = w\nfor i in range(2):\n    for j in range(2):\n        h = h + w", [("add", 4, "h", 1), ("add", 4, "h", 2), ("add", 4, "h", 3), ("add", 4, "h", 4)]),
    "for, one turn": ("h = w\nfor t in range(1):\n    h = h * 2", [("mul", 3, "h", None)]),
    "list comprehension": ("hs = [w * k for k in range(3)]", [("mul", 1, "hs[0]", None), ("mul", 1, "hs[1]", None), ("mul", 1, "hs[2]", None)]),
    "generator": ("hs = list(w * k for k in range(2))", [("mul", 1, "hs[0]", None), ("mul", 1, "hs[1]", None)]),
    "append": ("hs = []\nfor k in range(2):\n    hs.append(w * k)", [("mul", 3, "hs[0]", None), ("mul", 3, "hs[1]", None)]),
    "helper that names": ("def f(a):\n    out = a * 2\n    return out\nz = f(w)", [("mul", 2, "out", None)]),
    "helper that returns": ("def f(a):\n    return a * 2\nz = f(w)", [("mul", 2, "z", None)]),
    "helper twice": ("def f(a):\n    return a * 2\np = f(w)\nq = f(b)", [("mul", 2, "p", None), ("mul", 2, "q", None)]),
    "helper in a helper": ("def f(a):\n    return a * 2\ndef g(a):\n    return f(a) + 1\nz = g(w)", [("mul", 2, "", None), ("add", 4, "z", None)]),
    "lambda": ("f = lambda a: a * 2\nz = f(w)", [("mul", 1, "z", None)]),
    "decorator": ("def twice(f):\n    def inner(*a):\n        return f(*a)\n    return inner\n@twice\ndef f(a):\n    return a * 2\nz = f(w)", [("mul", 7, "z", None)]),
    "method of a class": ("class M:\n    def forward(self, a):\n        h = a * 2\n        return h + 1\nz = M().forward(w)", [("mul", 3, "h", None), ("add", 4, "z", None)]),
    "conditional expression": ("z = w * 2 if True else w + 1", [("mul", 1, "z", None)]),
    "branch": ("if x > 0:\n    z = w * 2\nelse:\n    z = w + 1", [("mul", 2, "z", None)]),
    "matmul": ("z = W @ v", [("matmul", 1, "z", None)]),
    "sum of products": ("s = (W * v).sum()", [("mul", 1, "", None), ("sum", 1, "s", None)]),
    "indexing": ("r = W[0] * 2", [("index", 1, "", None), ("mul", 1, "r", None)]),
    "several outputs": ("m, i = W.max(dim=1)", [("max", 1, "m", None)]),
    "zip": ("parts = [w, b]\ntotal = 0\nfor p, k in zip(parts, [1, 2]):\n    total = total + p * k", [("mul", 4, "", 1), ("add", 4, "total", 1), ("mul", 4, "", 2), ("add", 4, "total", 2)]),
    "sum()": ("s = sum([w, b])", [("add", 1, "", 1), ("add", 1, "s", 2)]),
    "try": ("try:\n    z = w * 2\nfinally:\n    pass", [("mul", 2, "z", None)]),
    "with": ("with lab.enable_grad():\n    z = w * 2", [("mul", 2, "z", None)]),
    "umlauts before it": ("größe = w * 2; straße = größe + 1", [("mul", 1, "größe", None), ("add", 1, "straße", None)]),
    "recursion": ("def f(a, n):\n    return a if n == 0 else f(a * 2, n - 1)\nz = f(w, 2)", [("mul", 2, "", None), ("mul", 2, "", None)]),
    "star": ("first, *rest = [w * 2, w + 1, w - 1]", [("mul", 1, "", None), ("add", 1, "", None), ("sub", 1, "", None)]),
    "return of two": ("def f(a):\n    return a * 2, a + 1\np, q = f(w)", [("mul", 2, "", None), ("add", 2, "", None)]),
}
