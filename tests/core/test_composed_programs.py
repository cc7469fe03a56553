"""Short programs that once gave another answer here than in PyTorch: the smallest that random programs were shrunk to."""

from __future__ import annotations

import pytest

import autodiff_lab as lab

from . import composed

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of these programs")
pytestmark = pytest.mark.oracle

PROGRAMS = {
    "a NumPy array without dimensions counts as one": "t1 = T.ones(2); t2 = t1 / np.array(2.); t3 = t1 * np.array(2); t4 = t1 @ np.ones(2)",
    "NumPy's functions give NumPy's types": "t1 = T.tensor([1, 2]); t2 = t1 / np.array([1, 2]); t3 = np.multiply(t1, 2.5); t4 = np.sin(t1); t5 = T.ones((), dtype=T.float64) * np.ones(2, np.float32)",
    "a NumPy number is a number": "t1 = T.ones(2); t2 = np.float64(2) * t1; t3 = t1 - np.float64(2); t4 = np.int64(2) ** T.tensor([1, 2], dtype=T.int32)",
    "infinite numbers have no whole quotient": "t1 = T.tensor([1., float('inf'), -float('inf'), 0., -0., -3, 1e38]); t2 = t1 // 2; t3 = t1 // 1e-10; t4 = t1 // 0; t5 = float('inf') // t1; t6 = t1 // float('inf')",
    "a sum of truth values stays one": "t1 = T.tensor([True, False]); t2 = T.add(t1, t1, alpha=2); t3 = t1.add(1, alpha=2); t4 = t1.add(True, alpha=0)",
    "a factor must fit": "t1 = T.tensor([1])\nt1.add(1, alpha=1.5)\nt1.sub(1, alpha=2.5)\nT.rsub(t1, 1, alpha=.5)\nT.ones(1).add(1, alpha=True)\nT.ones(1).add(1, alpha=1j)",
    "a parameter of a number shares its memory": "t1 = T.ones(3).sum(); t2 = T.nn.Parameter(t1); t1.add_(1)",
    "a parameter shares the count of writes": "t1 = T.ones(2, requires_grad=True); t2 = T.ones(2); t3 = T.nn.Parameter(t2); t4 = t1 * t2\nt3.data.mul_(2)\nt2.mul_(2)\nt4.sum().backward()",
    "unsafe parts share memory and no history": "t1 = T.ones(3); t2, t3 = t1.unsafe_chunk(2); t2.mul_(2); t4 = T.split_copy(t1, 2)[0]",
    "parts of complex numbers are set to numbers": "t1 = T.tensor([1+2j, 3]); t1.real = 3; t1.imag = T.tensor([1., 2]); t2 = T.tensor(1+2j); t2.imag = 0.5",
    "other memory is another version": "t1 = T.ones(2, requires_grad=True); t2 = T.ones(2); t3 = t1 * t2\nt2.resize_(1)\nt3.sum().backward()",
    "what has no derivative says so": "t1 = T.tensor([1., 3.], requires_grad=True); t2 = t1.unique(); t3 = (t1.unique(dim=0) + t1).sum(); t4 = t1.histogram(2)[0]; t5 = 2 // t1; t6 = T.ones(2) // t1\nt3.backward()\n(t2 + t1).sum().backward()\n(t4 + t1).sum().backward()\n(t5 + t1).sum().backward()\n(t6 + t1).sum().backward()",
    "derivatives of functions of one number": "t1 = T.autograd.functional.hessian(lambda x: (x * x * x).sum(), T.tensor(2.)); t2 = T.autograd.functional.jacobian(lambda x: x * x, T.tensor(2.))",
    "asked for by name, a tensor retains its gradient": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t3 = t2 * 3; (t2 * t3).sum().backward(inputs=[t2], retain_graph=True)\n(t2 * t3).sum().backward()\n(t1 * 2).sum().backward(inputs=[T.ones(1)])",
    "zeros in the place of no gradient can be differentiated": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t3, = T.autograd.grad(t1.sum(), t2, create_graph=True, materialize_grads=True)",
    "a retained gradient is that of the value written last": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t2.retain_grad(); t2.mul_(3); t2[0] = 5; (t2 * t2).sum().backward()",
    "a retained gradient of a view is that of the value written last": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t3 = t2[:1]; t3.retain_grad(); t2.retain_grad(); t2.mul_(3); (t3 * t3).sum().backward()",
    "grad fills retained gradients": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t2.retain_grad(); T.autograd.grad((t2 * t2).sum(), t1)",
    "what is asked for is taken before the hooks where the pass goes on": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t2.register_hook(lambda g: g * 10); t3, t4 = T.autograd.grad((t2 * t2).sum(), [t1, t2], retain_graph=True); t5, = T.autograd.grad((t2 * t2).sum(), [t2])",
    "hooks of a node that does not run are not called": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t2.grad_fn.register_prehook(lambda g: LOG.append(g[0])); T.autograd.grad((t2 * t2).sum(), [t2])",
    "nothing looked at as another type": "t1 = T.tensor([]).view(T.uint8); t2 = T.empty(0, 3).view(T.uint8)",
    "zeros that remain have the sign of what was divided": "t1 = T.tensor([-3., 3, 0, -0.]); t2 = (t1 % 3).signbit(); t3 = (t1 % -3).signbit(); t4 = (-3. % T.tensor([3., 1])).signbit(); t5 = (T.tensor([-3., 3, 0, -0.] * 50) % 3).signbit(); t6 = 1 / (T.tensor(0.) % -float('inf'))",
    "a number is no alias of its largest element": "t1 = T.tensor([1., 2]).std(); n1 = t1.numpy(); t2 = t1.max(0)[0]; t3 = t1.flip(0); t4 = t1.min(0)[0]; t2.add_(1); t3.add_(2); t4.add_(3)",
    "old constructors share arrays of their type": "n1 = np.ones(3, np.float32); t1 = T.Tensor(n1); t1.add_(1); n2 = np.ones(2, np.int64); t2 = T.LongTensor(n2); t2.add_(1); t3 = T.Tensor(np.ones(2))",
    "lists of tensors and numbers have the common type": "t1 = T.tensor([T.tensor(1.), 1.5]); t2 = T.tensor([1.5, T.tensor(1., dtype=T.float64)]); t3 = T.tensor([T.tensor(1., dtype=T.float16), 2]); t4 = T.tensor([[T.tensor(1.), 2], [3, T.tensor(1j)]]); t5 = T.tensor([T.tensor(1., dtype=T.bfloat16), 2.])",
    "bfloat16 has NaN too": "t1 = T.tensor([float('nan'), 1, float('inf')], dtype=T.bfloat16); t2, t3 = t1.sort(); t4, t5 = t1.kthvalue(1); t6 = t1.nan_to_num(); t7 = t1.nan_to_num(0.5, 3); t8 = t1.unique(); t9 = t1[:0].mean()",
    "no value is below NaN": "t1 = T.tensor([1., 2., float('nan')]); t2 = T.tensor([float('nan'), 5., 1.]); t3 = T.searchsorted(t1, t2); t4 = T.searchsorted(t1, t2, right=True); t5 = T.bucketize(1.5, t1); t6 = T.searchsorted(t1.expand(2, 3), t2.expand(2, 3))",
    "gamma of minus infinity": "t1 = T.tensor([-float('inf'), float('inf'), -1., 0., 2.5]).lgamma()",
    "whole numbers are scaled by whole numbers": "t1 = T.tensor([3]); t2 = T.addcmul(t1, t1, t1, value=1.5); t1.addcmul_(t1, t1, value=0.5)",
    "what is read several times may be written to": "t1 = T.arange(4.); t1[:] = t1[1]; t2 = T.arange(4.).view(2, 2); t2[:] = t2[1]; t3 = T.arange(4.); t3[None] = t3; t4 = T.arange(4.); t4[:] = t4[2:3]\nt4[1:] = t4[:-1]",
    "what is read several times may be written to, with gradients": "t1 = T.ones(2, requires_grad=True); t2 = t1 * 1; t2[:] = t2[0]; t2.sum().backward()",
    "numbers are copied": "t1 = T.arange(4); t1.copy_(2.5); t2 = T.ones(2); t2.copy_(True); t2.copy_(np.float64(3))",
    "no gradient flows through whole numbers": "t1 = T.ones(2, requires_grad=True); t2 = T.tensor([1, 2]); t2.copy_(t1); t3 = T.tensor([True, False]); t3[0] = t1[0]",
    "out takes its new shape where it lies": "t1 = T.zeros(4); t2 = t1[:1]; T.exp(T.ones(2), out=t2); t3 = T.zeros(4); t4 = t3.view(2, 2); T.exp(T.ones(3), out=t3)",
    "NumPy's numbers before a tensor": "t1 = np.float64(0.1) < T.tensor([0.1]); t2 = np.float64(0) < T.ones(2).bfloat16(); t3 = np.float64(2) * T.ones(()).half(); t4 = np.int64(2) & T.tensor([1, 2])",
    "losses bring all tensors to one type": "t1 = T.ones(2); t2 = T.ones((), dtype=T.float64); t3 = F.mse_loss(t1, t2); t4 = F.l1_loss(t2, t1); t5 = F.smooth_l1_loss(t1.bfloat16(), t2); t6 = F.huber_loss(t2, t1)",
    "bits of another type have no history": "t1 = T.ones(2, dtype=T.float64, requires_grad=True); t2 = t1.view(T.float32); t3 = t1 * 2; t4 = t3 * t3; t5 = t3.view(T.int64)\nt5.add_(1)\nt4.sum().backward()",
    "bits are written through": "t1 = T.ones(2, 2); t2 = t1[0].view(T.int32); t3 = t2.view(T.float32); t2.zero_(); t1[0, 0] = 5",
    "no gradient where there is no next number": "t1 = T.ones(2, requires_grad=True); t2 = T.nextafter(t1, T.tensor([1., 2.])); (t2 + t1).sum().backward()",
    "what adds to a gradient by name runs": "t1 = T.ones(2, requires_grad=True); t2 = t1 * t1; t2.grad_fn.register_hook(lambda i, o: LOG.append(o)); (t2 * t2).sum().backward(inputs=[t2])\nt2.sum().backward()",
    "what is only asked for does not run": "t1 = T.ones(2, requires_grad=True); t2 = t1 * t1; t3, = T.autograd.grad((t2 * t2).sum(), [t2])\nt2.sum().backward()",
    "an orthogonal weight whose signs were written to": "layer = T.nn.Linear(3, 4); T.nn.utils.parametrizations.orthogonal(layer); t1 = layer.weight.detach(); [p.data.mul_(0.5) for p in layer.parameters()]; t2 = layer.weight.detach()",
    "an orthogonal weight without a base": "layer = T.nn.Linear(3, 4); T.nn.utils.parametrizations.orthogonal(layer, orthogonal_map='householder', use_trivialization=False); t1 = layer.weight.detach(); t2 = layer.parametrizations.weight.original.detach()",
    "a weight made of two, one of them frozen, stays a parameter": "layer = T.nn.Linear(3, 4); T.nn.utils.parametrizations.weight_norm(layer); layer.parametrizations.weight.original0.requires_grad_(False); T.nn.utils.parametrize.remove_parametrizations(layer, 'weight'); r2 = [n for n, _ in layer.named_parameters()]",
    "a gradient that is recorded is a tensor of its own": "t1 = T.ones(3, requires_grad=True); t1.sum().backward(create_graph=True); (t1.sin() * t1).sum().backward(); t2 = T.ones(3, requires_grad=True); t3 = T.ones(3, requires_grad=True); (t2 + t3).sum().backward(create_graph=True); t2.grad.data.mul_(5)",
    "what asks for gradients no longer gets none": "t1 = T.ones(3, requires_grad=True); t2 = t1 * t1; t1.register_hook(lambda g: LOG.append(g)); t1.requires_grad_(False); t2.sum().backward(retain_graph=True)\nt1.requires_grad_(); t2.sum().backward(); t3 = T.ones(2, requires_grad=True); t4 = t3 * t3; t3.detach_(); t4.sum().backward()",
    "nothing is added into an expanded gradient": "t1 = T.ones(3, requires_grad=True); t1.grad = T.ones(1).expand(3)\n(t1 * 2).sum().backward()",
    "beside floating-point numbers a complex one lends its category": "t1 = T.ones(2) + T.tensor(1+1j, dtype=T.complex128); t2 = T.ones(2).double() * T.tensor(1j); t3 = T.ones(2).int() + T.tensor(1j, dtype=T.complex128); t4 = T.where(T.tensor([True]), T.ones(1), T.tensor(1j, dtype=T.complex128))",
    "powers of two keep the type": "t1 = T.tensor([1., 2]); t2 = T.tensor([1, -2]); t3 = T.ldexp(t1.bfloat16(), t2); t4 = T.ldexp(T.ones(()).double(), t2); t5 = T.ldexp(T.tensor([1e-30]), T.tensor([140])); t6 = T.ldexp(t1, T.ones(2).double())",
    "random numbers follow the memory of what they are like": "t1 = T.ones(3, 2).t()[None]; t2 = T.rand_like(t1); t3 = F.dropout(t1, 0.5); t4 = F.alpha_dropout(t1, 0.5, True); t5 = F.gumbel_softmax(t1); t6 = T.randint_like(T.ones(2, 3, 4).permute(2, 0, 1)[:, None], 10)",
    "functions that are not recorded return tensors without history": "Same = type('Same', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: x), 'backward': staticmethod(lambda ctx, g: g)}); t1 = T.ones(2, requires_grad=True); t2 = t1 * 2\nwith T.no_grad(): t3 = Same.apply(t2)\nt4 = Same.apply(t2); t4.sum().backward()",
    "a function that writes to a view writes to its base": "Triple = type('Triple', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: (x.mul_(3), ctx.mark_dirty(x), x)[2]), 'backward': staticmethod(lambda ctx, g: g * 3)}); t1 = T.ones(2, requires_grad=True); t2 = t1 * 2; t3 = t2[0]; t4 = Triple.apply(t3); t2.sum().backward(retain_graph=True); t4.backward()\nTriple.apply(t2.unbind(0)[0])\nTriple.apply(t1[0])",
    "what a function returned as it was may not be written to": "Same = type('Same', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: x), 'backward': staticmethod(lambda ctx, g: g * 5)}); t1 = T.ones(2, requires_grad=True); t2 = t1 * 1; t3 = Same.apply(t2)\nt3.mul_(2)\nt3.sum().backward()",
    "what a function returned as it was is stale after a write": "Same = type('Same', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: x), 'backward': staticmethod(lambda ctx, g: g * 5)}); t1 = T.ones(2, requires_grad=True); t2 = t1 * 1; layer = Same.apply(t2); t2.mul_(2)\nlayer.sum().backward()",
    "views made in a function may not be written to": "Flat = type('Flat', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: x.clone().view(-1)), 'backward': staticmethod(lambda ctx, g: g.view(2, 1))}); t1 = T.ones(2, 1, requires_grad=True); t2 = Flat.apply(t1); t3 = t2[0]; t3.backward()\nt2.mul_(2)",
    "a recorded gradient stays the same tensor": "t1 = T.ones(2, requires_grad=True); (t1 * t1).sum().backward(create_graph=True); t2 = t1.grad.detach(); (t1 * t1).sum().backward()",
    "whole numbers are filled with whole numbers": "t1 = T.arange(3); t2 = t1.masked_fill(t1 > 0, 2.7)\nt1.masked_fill_(t1 > 0, float('inf'))",
    "data must be differentiable where gradients are wanted": "t1 = T.ones(2, requires_grad=True)\nt1.data = T.ones(2).int()",
    "no resizing of what wants gradients": "t1 = T.ones(2, requires_grad=True)\nwith T.no_grad(): t1.resize_(3)",
    "NumPy's numbers are kept as Python's": "t1 = T.ones(3, requires_grad=True); t2 = t1 * np.float64(2); t2 *= np.float32(2); t3 = np.float64(2) / t1 - np.float64(3) ** t1; (t2 * t2 + t3 * t3).sum().backward(create_graph=True)",
    "a view that was written to retains the gradient of what is there now": "t1 = T.ones(2, 3, requires_grad=True); t2 = t1.narrow(0, 0, 1); t3 = t2.clone()\nwith T.no_grad(): t2.exp_()\nt2.retain_grad(); t3.sum().backward()",
    "nothing goes back from a view made without recording": "t1 = T.ones(2, requires_grad=True) * 1\nwith T.no_grad(): t2 = t1[:1]\nt2.backward()",
    "memory that is the same but for its shape overlaps": "t1 = T.ones(1, 3)\nt1 *= t1[0]\nt1[:] = t1[0]",
    "NumPy's truth values come back as small numbers": "t1 = T.tensor([True]); t2 = t1 & np.array([True]); t3 = np.isnan(T.ones(2)); t4 = T.ones(2) == np.ones(2)",
    "a conversion keeps nothing that is freed": "t1 = T.ones(2, dtype=T.float64, requires_grad=True); t2 = t1.float(); (t2 * t2).sum().backward(); (t2 * t2).sum().backward(); t3 = t1 * 1; t4 = t3[:1]; t3.add_(1); t4.sum().backward(); t4.sum().backward()",
    "a comparison asks for no history": "t1 = T.ones(2, requires_grad=True); other = t1.unbind(0)[0]\nwith T.no_grad(): other.exp_()\nt2 = other > 1\nother.backward()\nt3 = other + 1",
    "what a function returned as it was is stale after a write, recorded or not": "Same = type('Same', (T.autograd.Function,), {'forward': staticmethod(lambda ctx, x: x), 'backward': staticmethod(lambda ctx, g: g * 5)}); t1 = T.ones(2, requires_grad=True); t2 = T.ones(2); layer = Same.apply(t2); t2.add_(t1)\nlayer + 1",
    "a number between dots and positions takes its own dimension": "t1 = T.arange(6.).view(3, 2); t2 = t1[..., 2, T.tensor([0])]; t3 = t1[..., -3, T.tensor([True, False])]; t1[..., 2, [1]] = 7\nt1[..., 3, T.tensor([0])]\nt1[..., 2]",
    "numbers on a diagonal count less than matrices": "t1 = T.block_diag(T.tensor(1., dtype=T.float64), T.ones(2, 2)); t2 = T.block_diag(T.tensor(1), T.ones(2, 2))",
    "one number is scattered": "t1 = T.zeros(4); t1.scatter_(0, T.tensor(1), T.tensor(3.)); t2 = t1.scatter(0, T.tensor(2), T.ones(4))",
    "assigned data are memory of their own": "t1 = T.arange(6.).reshape(2, 3); t2 = T.ones(3, requires_grad=True); t1.data = t1 * 2; t1.mul_(t2); t1.sum().backward(); t3 = T.ones(3, requires_grad=True); t4 = t3 * 2; t5 = t4[:2]; t4.data = T.ones(3); t5.sum().backward()",
    "slices are copied from as many dimensions": "t1 = T.zeros(2, 3)\nt1.index_copy_(0, T.tensor([0]), T.ones(1))",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_gives_pytorchs_answer(name):
    theirs, ours = composed.environment(torch), composed.environment(lab)
    for statement in PROGRAMS[name].split("\n"):
        errors = composed.run(theirs, statement), composed.run(ours, statement)
        assert errors[0] == errors[1], f"{statement}: PyTorch raises {errors[0]}, we {errors[1]}"
        found = composed.difference(torch, lab, theirs, ours)
        assert found is None, f"{statement}: {found}"
