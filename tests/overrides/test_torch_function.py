"""Subclasses of Tensor, objects and modes that take functions over: the same program in both libraries tells the same story."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys

import pytest

import autodiff_lab as lab
from autodiff_lab.core import overriding

torch = pytest.importorskip("torch")


def subclass_of(library, log=None):
    """A subclass that writes down what it is asked for."""
    class Marked(library.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if log is not None:
                log.append((func.__name__, [t.__name__ for t in types], len(args), kwargs))
            return super().__torch_function__(func, types, args, kwargs)
    return Marked


# Where PyTorch writes defaults among the keywords, the log of keywords is not compared.
EXPRESSIONS = [
    "x + 1", "1 + x", "x - 1", "1 - x", "x * 2", "2 * x", "x / 2", "2 / x", "x ** 2", "2 ** x", "x // 2", "2 // x", "x % 2", "x @ x", "-x", "abs(x)",
    "x == 1", "x < 1", "x != 1", "x >= 1", "x[0]", "len(x)", "x.sum()", "t.add(x, 1, alpha=2)", "float(x[0])", "bool(x[0])", "t.ones(2) + x", "x.detach()", "x.clone()",
    "t.stack([x, x])", "x.max(0)", "t.zeros_like(x)", "t.is_tensor(x)", "x.add_(1)", "~(x > 1)", "x.shape", "x.device", "x.dtype", "x.mT if x.ndim == 2 else x.unsqueeze(0).T", "x.grad",
    "x.requires_grad", "x.data", "x.is_leaf", "x.real", "x.ndim", "1 in x", "x.size(0)", "x.dim()", "x.to(t.float64)", "x.view(2, 1)", "hash(x)", "x.tolist()",
    "x.new_zeros(2)", "x.float()", "x.unbind()", "reversed(x)", "x.stride()", "x.numel()", "t.einsum('i,i->', x, x)", "x.is_contiguous()",
    "t.where(x > 0, x, x)", "t.cat((x, x))", "t.equal(x, x)", "t.allclose(x, x)", "x.copy_(x)", "x.requires_grad_()", "x.cpu()", "t.nn.functional.relu(x)",
    "t.nn.functional.softmax(x, dim=-1)", "t.linalg.norm(x)", "t.nn.Linear(2, 1)(x)", "t.as_tensor(x)", "t.broadcast_tensors(x, x)", "x.split(1)", "x.numpy()",
    "pickle.loads(pickle.dumps(x))", "t.nn.functional.linear(x, t.ones(2, 2))", "t.autograd.grad((x.requires_grad_() * 2).sum(), x)", "x.__setitem__(0, 1)",
    "x.mean(dim=0)", "t.mean(x, dim=0)", "t.sigmoid(x)", "x.sigmoid()", "t.nn.functional.mse_loss(x, x)", "x.unsqueeze(0)", "x.reshape(1, 2)",
]
RENAMED = {"linalg_norm": "norm"}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_subclass_is_asked_and_kept_as_in_pytorch(expression):
    told = []
    for library in (lab, torch):
        log: list = []
        Marked = subclass_of(library, log)
        globals()["Marked"] = Marked
        Marked.__qualname__ = "Marked"
        x = library.tensor([1.0, 2.0]).as_subclass(Marked)
        log.clear()
        result = eval(expression, {"x": x, "t": library, "pickle": pickle})
        names = [(RENAMED.get(name, name), types, count, None if kwargs else kwargs) for name, types, count, kwargs in log]
        kinds = [type(v).__name__ for v in result] if isinstance(result, (tuple, list)) else type(result).__name__
        log.clear()
        told.append((names, kinds))
    assert told[0] == told[1]


def story(library) -> list:
    """What a plain subclass does, as text."""
    class Plain(library.Tensor):
        pass

    x = Plain([1.0, 2.0])
    w = library.ones(2, requires_grad=True)
    p = library.nn.Parameter(Plain([3.0]))
    loss = (x * w).sum()
    loss.backward()
    made = library.Tensor._make_subclass(Plain, library.ones(2), True)
    module = library.nn.Linear(2, 2)
    module.weight = library.nn.Parameter(Plain([[1.0, 0.0], [0.0, 1.0]]))
    return [repr(x), str(x + 1), repr(x * w), type(loss).__name__, repr(w.grad), repr(p), isinstance(p, library.nn.Parameter), type(p).__name__, repr(made),
            [type(v).__name__ for v in module.parameters()], type(module(library.ones(2))).__name__, repr(w.as_subclass(Plain)), f"{x.sum()}",
            type(library.Tensor.sum(x)).__name__, issubclass(Plain, library.Tensor), type(x.max(0).values).__name__, type(sum(x)).__name__, type(next(iter(x))).__name__, type(x.max(0)).__name__,
            type(library.ones(2).as_subclass(Plain).as_subclass(library.Tensor)).__name__]


def test_plain_subclass_is_kept_and_printed_as_in_pytorch():
    assert story(lab) == story(torch)


def test_two_subclasses_are_asked_in_order():
    told = []
    for library in (lab, torch):
        asked = []

        class Base(library.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                asked.append((cls.__name__, [t.__name__ for t in types]))
                return super().__torch_function__(func, types, args, kwargs)

        class Derived(Base):
            pass

        class Other(library.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                asked.append((cls.__name__, [t.__name__ for t in types]))
                return NotImplemented

        a, b, c = (library.ones(2).as_subclass(each) for each in (Base, Derived, Other))
        results = [type(library.add(a, b)).__name__, type(library.mul(b, a)).__name__]
        with pytest.raises(TypeError) as refused:
            library.add(a, c)
        results.append(str(refused.value).replace("autodiff_lab", "torch"))
        with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for \+: 'Other' and 'int'"):
            c + 1
        told.append((asked, results))
    assert told[0] == told[1]


def diagonal_story(library) -> list:
    """The ScalarTensor of PyTorch's note on extending it: no tensor, but takes its functions over."""
    handled = {}

    def implements(function):
        def register(made):
            functools.update_wrapper(made, function)
            handled[function] = made
            return made
        return register

    class Scalar:
        def __init__(self, n, value):
            self._n, self._value = n, value

        def __repr__(self):
            return f"Scalar(n={self._n}, value={self._value})"

        def tensor(self):
            return self._value * library.eye(self._n)

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func not in handled or not all(issubclass(t, (library.Tensor, Scalar)) for t in types):
                return NotImplemented
            return handled[func](*args, **(kwargs or {}))

    @implements(library.mean)
    def mean(input):
        return float(input._value) / input._n

    @implements(library.add)
    def add(input, other, *, alpha=1):
        if isinstance(input, Scalar) and isinstance(other, Scalar):
            return Scalar(input._n, input._value + alpha * other._value)
        return library.add(input.tensor() if isinstance(input, Scalar) else input, other.tensor() if isinstance(other, Scalar) else other, alpha=alpha)

    if library is torch:  # one object here
        handled[library.Tensor.add] = add

    @implements(library.stack)
    def stack(tensors, dim=0):
        return [repr(each) for each in tensors]

    s = Scalar(2, 3.0)
    out = [library.mean(s), library.add(s, s), library.add(s, library.ones(2, 2)), library.add(library.ones(2, 2), s, alpha=2), library.ones(2, 2) + s, library.stack([s, s])]
    for call in (lambda: library.mul(s, 2), lambda: library.nn.functional.relu(s), lambda: library.cat([s])):
        try:
            call()
        except TypeError as error:
            out.append(str(error).split("\n")[0].replace("autodiff_lab", "torch"))
    return [repr(each) for each in out]


def test_object_that_is_no_tensor_takes_functions_over():
    ours, theirs = diagonal_story(lab), diagonal_story(torch)
    assert ours[:-2] == theirs[:-2]
    assert all("torch_function" in text for text in ours[-3:])


FIRST = """
import autodiff_lab as lab
lab.add(lab.ones(2), 1); lab.ones(2) + 1; lab.ones(2).add_(1); lab.stack([lab.ones(1)])  # compiled before anything takes over
class Duck:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func.__name__, [t.__name__ for t in types], len(args), sorted(kwargs or {})
print([lab.add(Duck(), 1, alpha=2), lab.mean(Duck(), dim=0), lab.ones(2) + Duck(), lab.ones(2).add_(Duck()), lab.stack([Duck()]), lab.add(lab.ones(2), Duck())])
"""


def test_first_object_that_takes_over_is_asked_at_once():
    """Nothing announces such a class, so the first call of a function that meets one must notice."""
    for _ in range(1):
        printed = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True).stdout
    theirs = subprocess.run([sys.executable, "-c", FIRST.replace("autodiff_lab", "torch")], capture_output=True, text=True, check=True).stdout
    assert printed == theirs


FIRST_OF_ALL = ["t.add(D, 1, alpha=2)", "t.allclose(D, t.ones(1))", "t.where(D, 1, 2)", "t.cat([t.ones(1), D])", "t.linalg.norm(D)", "t.nn.functional.cross_entropy(D, t.ones(1))"]


def test_first_call_of_all_may_be_any_of_these():
    program = ("import autodiff_lab as t\nclass Duck:\n    @classmethod\n    def __torch_function__(cls, func, types, args=(), kwargs=None):\n"
               "        return func.__name__.removeprefix('linalg_'), len(args)\nD = Duck()\nprint({call})")
    scope: dict = {}
    exec(program.replace("autodiff_lab", "torch").replace("print({call})", ""), scope)
    for call in FIRST_OF_ALL:  # each in a process of its own, where nothing has begun
        told = subprocess.run([sys.executable, "-c", program.format(call=call)], capture_output=True, text=True, check=True).stdout
        assert told.strip() == str(eval(call, scope)), call


def test_plain_tensors_pay_nothing_until_something_takes_over():
    program = ("import autodiff_lab as lab\nfrom autodiff_lab.core import overriding\nlab.nn.Linear(2, 2)(lab.ones(2)).sum().backward()\nprint(overriding.state.begun)\n"
               "class Mine(lab.Tensor): pass\nprint(overriding.state.begun)")
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() == ["False", "True"]


def test_a_debugger_may_read_the_variables_of_functions_that_look():
    """Python reads free variables unchecked: code without them ended the process here, wherever a traceback with variables was wanted."""
    program = ("import autodiff_lab as lab\nclass Mine(lab.Tensor): pass\ntry: lab.sparse_csr_tensor()\n"
               "except NotImplementedError as error:\n    place = error.__traceback__\n"
               "    while place: print(len(place.tb_frame.f_locals) > 0); place = place.tb_next")
    assert set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()) == {"True"}


def mode_story(library) -> list:
    seen = []

    class Names(library.overrides.TorchFunctionMode):
        def __init__(self, mark=""):
            self.mark = mark

        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(self.mark + func.__name__)
            return func(*args, **(kwargs or {}))

    class Times10(library.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            if func is library.add:
                return library.mul(args[0], 10)
            return func(*args, **(kwargs or {}))

    x = library.ones(2)
    with Names() as entered:
        assert isinstance(entered, Names)
        library.ones(2)
        library.is_tensor(x)
        library.cat([x, x])
        x + 1
        x.exp().sum()
        library.nn.functional.relu(x)
        library.tensor([1.0])
        library.randn(2)
        library.arange(2)
    with Names("outer "), Names("inner "):
        library.exp(x)
    seen.append("after")
    x * 2
    with Times10():
        seen.append(library.add(x, 1).tolist())
    with library._C.DisableTorchFunctionSubclass(), Names():
        library.exp(x)
    with Names(), library._C.DisableTorchFunction():
        library.exp(x)

    class Refusing(library.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return NotImplemented
    try:
        with Refusing():
            library.add(x, 1)
    except TypeError as error:
        seen.append(str(error).split("<")[0].replace("autodiff_lab", "torch"))
    return seen


def test_modes_see_functions_as_in_pytorch():
    assert mode_story(lab) == mode_story(torch)


def questions(library) -> list:
    overrides = library.overrides

    class Mine(library.Tensor):
        pass

    class Off(library.Tensor):
        __torch_function__ = library._C._disabled_torch_function_impl

    class Duck:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__, kwargs

    x, mine, off, duck = library.ones(1), library.ones(1).as_subclass(Mine), library.ones(1).as_subclass(Off), Duck()

    def function(a, b=1):
        if overrides.has_torch_function((a,)):
            return overrides.handle_torch_function(function, (a,), a, b=b)
        return "own"

    @overrides.wrap_torch_function(lambda a: (a,))
    def wrapped(a):
        return "own"

    return [overrides.has_torch_function((x,)), overrides.has_torch_function((x, mine)), overrides.has_torch_function([duck]), overrides.has_torch_function((off,)),
            overrides.has_torch_function_unary(mine), overrides.has_torch_function_variadic(x, duck), overrides.is_tensor_like(duck), overrides.is_tensor_like(1),
            function(x), function(duck), function(duck, 2), type(off + 1).__name__, type(library.nn.Parameter(x) * 2).__name__,
            overrides.is_tensor_method_or_property(library.Tensor.add), overrides.is_tensor_method_or_property(library.Tensor.shape.__get__),
            overrides.is_tensor_method_or_property(library.cat), wrapped(x), wrapped(duck), overrides.resolve_name(library.Tensor.add_).replace("autodiff_lab", "torch"),
            library.Tensor.grad.__get__ in overrides.get_default_nowrap_functions(), library.Tensor.add in overrides.get_overridable_functions()[library.Tensor],
            library.tensor in overrides.get_ignored_functions(), library.add in overrides.get_ignored_functions()]


def test_questions_about_taking_over_are_answered_as_in_pytorch():
    assert questions(lab) == questions(torch)


def test_method_that_is_no_classmethod_is_called_with_a_warning():
    class Old:
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return "old"
    with pytest.warns(UserWarning, match="plain method is deprecated"):
        assert lab.add(Old(), 1) == "old"


def test_a_watched_function_keeps_its_signature_and_name():
    import inspect

    overriding.begin()
    assert list(inspect.signature(lab.add).parameters)[:2] == ["input", "other"]
    assert list(inspect.signature(lab.Tensor.size).parameters) == ["self", "dim"]
    assert pickle.loads(pickle.dumps(lab.add)) is lab.add


def test_a_parameter_answers_for_the_function_it_was_given_to():
    p = lab.nn.Parameter(lab.ones(2))
    assert p.__torch_function__(lab.add, (), (p, 1)).tolist() == [2.0, 2.0]


def test_dummies_for_tests_take_the_same_arguments_and_return_minus_one():
    import inspect

    dummies = lab.overrides.get_testing_overrides()
    assert dummies[lab.add](lab.ones(1), 2) == dummies[lab.Tensor.add](1) == -1
    assert list(inspect.signature(dummies[lab.Tensor.sum]).parameters)[:2] == ["input", "dim"]
    assert set(dummies) == {function for functions in lab.overrides.get_overridable_functions().values() for function in functions}
