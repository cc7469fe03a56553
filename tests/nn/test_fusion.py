"""A batch norm multiplied into the layer before it computes the same, as in PyTorch."""

import numpy as np
import pytest

import autodiff_lab as lab

RNG = np.random.default_rng(0)
CASES = {"conv": ("Conv2d", "BatchNorm2d", (2, 3, 3), (4, 2, 6, 6)), "no bias": ("Conv2d", "BatchNorm2d", (2, 3, 3, 1, 0, 1, 1, False), (4, 2, 6, 6)),
         "transposed": ("ConvTranspose2d", "BatchNorm2d", (2, 3, 3), (4, 2, 6, 6)), "linear": ("Linear", "BatchNorm1d", (2, 3), (4, 2))}


def both(T, case, affine):
    layer, norm, arguments, shape = CASES[case]
    layer, norm = getattr(T.nn, layer)(*arguments).double().eval(), getattr(T.nn, norm)(3, affine=affine).double().eval()
    rng = np.random.default_rng(1)
    for tensor in [*layer.parameters(), *norm.parameters(), norm.running_mean, norm.running_var]:
        tensor.data.copy_(T.tensor(rng.uniform(0.5, 1.5, tuple(tensor.shape))))
    x = T.tensor(rng.normal(size=shape))
    fuse = T.nn.utils.fusion.fuse_linear_bn_eval if case == "linear" else T.nn.utils.fusion.fuse_conv_bn_eval
    fused = fuse(layer, norm, True) if case == "transposed" else fuse(layer, norm)
    return [v.detach().numpy() for v in (fused(x), norm(layer(x)), fused.weight, fused.bias)], [type(fused).__name__, fused.bias.requires_grad]


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("case", list(CASES))
def test_one_layer_computes_what_two_do(case, affine):
    torch = pytest.importorskip("torch")
    if case == "linear" and not affine:
        return  # PyTorch's refuses a norm without weights
    (ours, facts), (theirs, their_facts) = both(lab, case, affine), both(torch, case, affine)
    np.testing.assert_allclose(ours[0], ours[1], rtol=1e-10)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10)
    assert facts == their_facts


@pytest.mark.parametrize("call", [
    lambda T: T.nn.utils.fuse_conv_bn_eval(T.nn.Conv2d(2, 3, 1), T.nn.BatchNorm2d(3)), lambda T: T.nn.utils.fuse_conv_bn_eval(T.nn.Conv2d(2, 3, 1).eval(), T.nn.BatchNorm2d(3, track_running_stats=False).eval()),
    lambda T: T.nn.utils.fuse_linear_bn_eval(T.nn.Linear(2, 3), T.nn.BatchNorm1d(4)), lambda T: T.nn.utils.fuse_linear_bn_eval(T.nn.Linear(2, 3).eval(), T.nn.BatchNorm1d(4).eval())])
def test_what_cannot_be_fused_is_refused_as_in_pytorch(call):
    torch = pytest.importorskip("torch")
    said = []
    for T in (lab, torch):
        with pytest.raises(AssertionError) as caught:
            call(T)
        said.append(str(caught.value))
    assert said[0] == said[1]
