"""What an argument may be: each call below is taken, or refused with the stated error, here and in PyTorch alike."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

import autodiff_lab as lab

TAKEN = [
    "x.flip(0, 1)", "x.flip((0, 1))", "T.flip(x, (0, 1))", "T.permute(x, (1, 0))", "T.reshape(x, [6])", "x.tile(2, 2)", "T.tile(x, (2, 2))", "x.unsqueeze(T.tensor(1))", "x.sum(np.int64(0))",
    "x.permute(T.tensor(1), np.int64(0))", "T.add(x, x, alpha=T.tensor(2.0))", "F.elu(x, alpha=T.tensor(0.5))", "F.elu(x, True)", "x.sum([T.tensor([1])])", "x.std(0, correction=T.tensor(0))", "T.zeros(T.tensor(2))",
    "x.clamp(max=np.float64(0.5))", "x.roll((1, 1), (0, 1))", "x.sum(dim=())", "x.squeeze(0, 1)", "T.zeros(size=(2, 3))", "T.randn((2,)) * 0", "x.repeat(2, 1)", "x.expand(T.Size([2, 3]))",
    "T.zeros(2, dtype=float)", "x.cumsum(0, dtype=float)", "x.to(float)", "x.to(dtype=int)", "T.arange(3, dtype=int)", "T.softmax(x, 0, dtype=float)", "T.tensor([1.5], dtype=int)",
    "T.linalg.eigvalsh(input=T.eye(2))", "T.linalg.inv(A=T.eye(2))", "T.linalg.cond(input=T.eye(2))", "T.linalg.vector_norm(input=x)", "T.linalg.matrix_power(input=T.eye(2), n=2)", "T.special.airy_ai(x=x)",
    "T.special.chebyshev_polynomial_t(x=x, n=2)", "T.nansum(x, axis=0)", "T.quantile(x, 0.5, axis=0, keepdims=True)", "x.chunk(2, axis=1)[0]", "T.tensor_split(x, 2, axis=1)[0]",
    "T.trapezoid(T.tensor([200, 200, 200], dtype=T.uint8), dx=2.0)", "F.scaled_dot_product_attention(x[None], x[None], x[None], dropout_p=1.0)", "x.clamp(x, T.tensor(2.0))",
    "F.normalize(x, dim=(0, 1))", "F.interpolate(x[None], scale_factor=2.0, antialias=0)", "T.cumsum(x, 0, out=T.empty(2, 3, dtype=T.float64))", "x.sort(stable=None).values", "x.topk(T.tensor([1])).values",
    "x.triu(T.tensor([1]))", "T.linalg.norm(x.clone().requires_grad_(), out=T.empty(())).detach()",
    "x.view(dtype=T.int32)", "x.view(size=(6,))", "x.amin(None)", "x.sum(axis=0, keepdims=True)", "x.sum(T.tensor([1]))", "T.tensor(T.equal(x, x.double()))",
    "T.outer(x[0], x[0], out=T.empty(0))", "T.kron(x, x, out=T.empty(0, dtype=T.float64))", "T.add(x, x, out=T.empty(2, 3, dtype=T.float64))", "T.sort(x, out=[T.empty(0), T.empty(0, dtype=T.int64)])[0]",
    "T.linalg.lu(T.eye(2), out=(T.empty(0), T.empty(0), T.empty(0))).L", "T.histogram(x, 3, out=(T.empty(0), T.empty(0))).hist", "T.lu_unpack(*T.linalg.lu_factor(T.eye(2)), out=(T.empty(0), T.empty(0), T.empty(0)))[2]",
    "F.embedding_bag(T.ones(3, 2), T.tensor([0, 2]), offsets=T.tensor([0]), mode='sum', per_sample_weights=T.ones(2))", "T.linalg.solve_triangular(T.eye(2), T.ones(2, 1).long(), upper=True)",
    "T.histogram(x).hist", "T.vsplit(x, np.int64(2))[0]", "T.argsort(x, stable=True, out=T.empty(0, dtype=T.int64))", "T.isin(T.tensor([1, 2]), 2, out=T.empty(0, dtype=T.bool))", "T.tensor(len(type(T.max(x, 0, out=(T.empty(3), T.empty(3, dtype=T.int64)))).__name__))",
]
REFUSED = [
    ("T.flip(x, 0, 1)", TypeError, r"flip\(\) takes 2 positional arguments but 3 were given"),
    ("T.tile(x, 2, 2)", TypeError, r"tile\(\) takes 2 positional arguments but 3 were given"),
    ("T.permute(x, 0, 1)", TypeError, r"permute\(\) takes 2 positional arguments but 3 were given"),
    ("T.reshape(x, 2, 3)", TypeError, r"reshape\(\) takes 2 positional arguments but 3 were given"),
    ("T.flip(x, 0)", TypeError, r"flip\(\): argument 'dims' \(position 2\) must be tuple of ints, not int"),
    ("x.flip(dims=0)", TypeError, r"flip\(\): argument 'dims'.* must be tuple of ints, not int"),
    ("x.flip(1, dims=(0,))", TypeError, r"flip\(\) got multiple values for argument 'dims'"),
    ("x.flip()", TypeError, r"flip\(\) missing 1 required positional arguments: \"dims\""),
    ("x.permute()", TypeError, r"permute\(\) missing 1 required positional arguments: \"dims\""),
    ("x.expand()", TypeError, r"expand\(\) missing 1 required positional arguments: \"size\""),
    ("x.view()", TypeError, r"view\(\)"),
    ("x.flip(1.0)", TypeError, r"flip\(\): argument 'dims'.* must be tuple of ints, not float"),
    ("x.flip(np.array([0, 1]))", TypeError, r"must be tuple of ints, not numpy.ndarray"),
    ("x.unsqueeze(1.5)", TypeError, r"unsqueeze\(\): argument 'dim' .*must be int, not float"),
    ("x.unsqueeze(True)", TypeError, r"unsqueeze\(\): argument 'dim' .*must be int, not bool"),
    ("x.unsqueeze(T.tensor(1.0))", TypeError, r"unsqueeze\(\): argument 'dim' .*must be int, not Tensor"),
    ("x.transpose(0, 'a')", TypeError, r"transpose\(\): argument 'dim1' .*must be int, not str"),
    ("x.sum(True)", TypeError, r"sum\(\)"),
    ("x.sum([0, 1.5])", TypeError, r"sum\(\): argument 'dim'"),
    ("x.amax(1.5)", TypeError, r"amax\(\): argument 'dim'.* must be tuple of ints, not float"),
    ("x.amax(0, np.True_)", TypeError, r"amax\(\): argument 'keepdim'.* must be bool, not numpy.bool"),
    ("T.add(x, x, alpha='a')", TypeError, r"add\(\): argument 'alpha' must be Number, not str"),
    ("T.add(x, x, alpha=[1])", TypeError, r"add\(\): argument 'alpha' must be Number, not list"),
    ("F.elu(x, 'a')", TypeError, r"elu\(\): argument 'alpha'.* must be Number, not str"),
    ("F.elu(x, T.tensor([1.0]))", TypeError, r"elu\(\): argument 'alpha'.* must be Number, not Tensor"),
    ("T.isclose(x, x, rtol='a')", TypeError, r"isclose\(\): argument 'rtol'.* must be float, not str"),
    ("F.max_pool2d(T.ones(1, 1, 4, 4), 'a')", TypeError, r"max_pool2d\(\): argument 'kernel_size'.* must be tuple of ints, not str"),
    ("F.layer_norm(x, 3)", TypeError, r"layer_norm\(\): argument 'normalized_shape'.* must be tuple of ints, not int"),
    ("x.roll(1.5)", TypeError, r"roll\(\): argument 'shifts'.* must be tuple of ints, not float"),
    ("T.zeros(2.0)", TypeError, r"zeros\(\): argument 'size'.* must be tuple of ints, not float"),
    ("T.outer(x[0], 2)", TypeError, r"outer\(\): argument 'vec2'.* must be Tensor, not int"),
    ("T.flatten(x, 1.5)", TypeError, r"flatten\(\): argument 'start_dim'.* must be int, not float"),
    ("T.chunk(x, 2.5)", TypeError, r"chunk\(\): argument 'chunks'.* must be int, not float"),
    ("T.fft.fft(2)", TypeError, r"fft_fft\(\): argument 'input'.* must be Tensor, not int|fft\(\): argument 'input'.* must be Tensor, not int"),
    ("T.full(2, 1.0)", TypeError, r"full\(\): argument 'size'.* must be tuple of ints, not int"),
    ("x.view_as(3)", TypeError, r"view_as\(\): argument 'other'.* must be Tensor, not int"),
    ("T.qr(3)", TypeError, r"qr\(\): argument 'input'.* must be Tensor, not int"),
    ("T.kron(x, [1.0])", TypeError, r"kron\(\): argument 'other'.* must be Tensor, not list"),
    ("x.max(keepdim=True)", TypeError, r"max\(\) received an invalid combination of arguments - got \(keepdim=bool"),
    ("x.median(keepdim=True)", TypeError, r"median\(\) missing 1 required positional arguments: \"dim\""),
    ("x.prod(None, True)", TypeError, r"prod\(\): argument 'dim'.* must be int, not NoneType"),
    ("T.max(x, x, 0)", TypeError, r"max\(\)"),
    ("x.sum(dim=0, axis=1)", TypeError, r"sum\(\) got an unexpected keyword argument 'axis'"),
    ("T.zeros(2, dtype=np.float32)", TypeError, r"argument 'dtype' must be torch.dtype, not type"),
    ("T.linalg.eigh(x, input=x)", TypeError, r"eigh\(\) got multiple values for argument 'input'"),
    ("T.linalg.matrix_power(x)", TypeError, r"matrix_power\(\) missing 1 required positional arguments: \"n\""),
    ("T.special.airy_ai(x.half())", NotImplementedError, "not implemented for 'Half'"),
    ("F.pdist(x.half())", NotImplementedError, "\"pdist\" not implemented for 'Half'"),
    ("T.polar(x.half(), x.half())", NotImplementedError, "\"polar_cpu\" not implemented for 'Half'"),
    ("F.linear(x > 0, x > 0)", NotImplementedError, "not implemented for 'Bool'"),
    ("T.tril_indices(2, 2, dtype=T.float32)", NotImplementedError, "\"tril_indices\" not implemented for 'Float'"),
    ("T.clamp(x > 0, x > 0, x > 0)", NotImplementedError, "\"clamp_cpu\" not implemented for 'Bool'"),
    ("T.complex(x, x).clamp(0)", NotImplementedError, "clamp is not supported for complex types"),
    ("T.isnan(x, out=x > 0)", TypeError, r"isnan\(\) got an unexpected keyword argument 'out'"),
    ("F.elu(x, out=x)", TypeError, r"elu\(\) got an unexpected keyword argument 'out'"),
    ("T.fft.fft(x.half())", RuntimeError, "Unsupported dtype Half"),
    ("x.double(True)", TypeError, r"takes .* positional argument"),
    ("x.put_(T.tensor([0, 1]), T.tensor([1.0]))", IndexError, "Expected source and index to have the same number of elements"),
    ("x.clamp(x, 2.0)", TypeError, r"clamp\(\) received an invalid combination of arguments"),
    ("T.linalg.cholesky(T.eye(2).half())", NotImplementedError, "\"cholesky_cpu\" not implemented for 'Half'"),
    ("T.linalg.eigh(T.eye(2).long())", NotImplementedError, "\"linalg_eigh_cpu\" not implemented for 'Long'"),
    ("T.zeros(10**14)", RuntimeError, "DefaultCPUAllocator: can't allocate memory"),
    ("x.repeat(10**7, 10**7)", RuntimeError, "DefaultCPUAllocator: can't allocate memory"),
    ("T.sub(x > 0, x > 0, alpha=2)", RuntimeError, "Subtraction, the `-` operator, with two bool tensors is not supported"),
    ("F.max_unpool1d(T.tensor([[[1, 2]]]), T.tensor([[[0, 2]]]), 2)", NotImplementedError, "not implemented for 'Long'"),
    ("F.avg_pool1d(x[None].int(), 2)", NotImplementedError, "not implemented for 'Int'"),
    ("F.layer_norm(x.short(), (3,))", NotImplementedError, "not implemented for 'Short'"),
    ("F.mse_loss(x > 0, x > 0)", NotImplementedError, "not implemented for 'Bool'"),
    ("T.linalg.inv(T.eye(2).half())", RuntimeError, "Low precision dtypes not supported. Got Half"),
    ("F.dropout2d(T.ones(1, 1, 2, 2).int())", RuntimeError, "result type Float can't be cast to the desired output type Int"),
    ("T.complex(x, x).relu()", NotImplementedError, "clamp is not supported for complex types"),
    ("T.complex(x, x).exponential_()", RuntimeError, "Exponential distribution is a continuous probability distribution"),
    ("F.pad(x, 1)", TypeError, r"pad\(\): argument 'pad'.* must be tuple of ints, not int"),
    ("F.pad(x, (1.5, 1))", TypeError, r"pad\(\): argument 'pad'.* must be tuple of ints, but found element of type float at pos 0"),
    ("x.requires_grad_(2)", TypeError, r"requires_grad_\(\): argument 'requires_grad' \(position 1\) must be bool, not int"),
    ("F.batch_norm(x, None, None)", RuntimeError, "running_mean must be defined in evaluation mode"),
    ("x.to(x, x)", TypeError, r"to\(\) received an invalid combination of arguments"),
    ("T.addmm(x.half(), T.ones(2, 2), x)", RuntimeError, "must have the same dtype"),
    ("T.sort(x, out=x)", TypeError, "sort"),
    ("F.mse_loss(x, np.ones((2, 3), np.float32))", (TypeError, AttributeError), r"must be Tensor, not ndarray|must be Tensor, not numpy.ndarray|has no attribute|not callable"),
    ("T.mm(x, np.ones((3, 2), np.float32))", TypeError, r"mm\(\): argument 'mat2' .*must be Tensor, not (numpy\.)?ndarray"),
    ("T.add(x, np.ones(3, np.float32))", TypeError, r"add\(\): argument 'other' .*must be Tensor"),
    ("T.maximum(np.ones(3, np.float32), x)", TypeError, r"maximum\(\): argument 'input' .*must be Tensor"),
    ("x << 1", NotImplementedError, "\"lshift_cpu\" not implemented for 'Float'"),
    ("F.dropout(T.tensor([1, 2]), 0.5)", RuntimeError, "result type Float can't be cast to the desired output type Long"),
    ("T.tensor([1, 2]).fill_(2**70)", OverflowError, "int too big to convert"),
    ("x.sum(2**70)", ValueError, "Overflow when unpacking long long"),
    ("T.mm(x, x.t(), out=T.empty(2, 2, dtype=T.float64))", RuntimeError, "Expected out tensor to have dtype float, but got double instead"),
    ("T.abs(x, out=T.empty(2, 3, dtype=T.float64))", RuntimeError, "Found dtype Double but expected Float"),
    ("T.sort(x, out=(T.empty(0),))", TypeError, "expected tuple of 2 elements but got 1"),
    ("T.ones(2, 2).addmm_(T.ones(2, 2), 2)", TypeError, r"argument 'mat2' .*must be Tensor, not int"),
    ("(x > 0).round()", NotImplementedError, "\"round_vml_cpu\" not implemented for 'Bool'"),
    ("T.tensor([1, 2]).round(decimals=2)", NotImplementedError, "\"round_cpu\" not implemented for 'Long'"),
    ("T.outer(x[0], x[0], out=T.empty(0, dtype=T.int64))", RuntimeError, "result type Float can't be cast to the desired output type Long"),
    ("T.randn(size=2)", TypeError, r"randn\(\): argument 'size'.* must be tuple of ints, not int"),
    ("T.cumsum(x, 0, out=3)", TypeError, "argument 'out' .*must be Tensor, not int"),
    ("T.qr(T.eye(2), out=(T.empty(0),))", TypeError, "expected tuple of 2 elements but got 1"),
    ("T.linalg.lu(T.eye(2), out=(T.empty(0), T.empty(0), None))", TypeError, "expected Tensor as element 2 in argument .*, but got NoneType"),
    ("T.linalg.inv_ex(T.eye(2), out=(T.empty(2, 2, dtype=T.float64), T.empty((), dtype=T.int32)))", RuntimeError, "Expected out tensor to have dtype float, but got double instead"),
    ("T.histc(x, out=T.empty(0, dtype=T.int64))", RuntimeError, "input tensor and hist tensor should have the same dtype"),
    ("T.searchsorted(x[0], x[0], out=T.empty(3))", RuntimeError, r"torch.searchsorted\(\): output tensor's dtype is wrong"),
    ("T.quantile(x, 0.5, out=T.empty((), dtype=T.float64))", RuntimeError, r"quantile\(\) out tensor must be same dtype as the input tensor"),
    ("T.zeros(2, dtype=T.float32, out=T.empty(2, dtype=T.float64))", RuntimeError, r"dtype Float does not match dtype of out parameter \(Double\)"),
    ("T.diagonal_copy(x, out=T.empty(2, dtype=T.int64))", RuntimeError, "Expected out tensor to have dtype float, but got long int instead"),
    ("T.isposinf(x, out=T.empty(2, 3))", RuntimeError, "isposinf does not support non-boolean outputs"),
    ("T.amax(x, out=T.empty((), dtype=T.float64))", RuntimeError, "Expected the dtype for input and out to match"),
    ("T.all(x, out=T.empty(()))", RuntimeError, "all only supports bool tensor for result, got: Float"),
    ("T.dot(x[0], x[0], out=T.empty((), dtype=T.float64))", RuntimeError, "result dtype Double does not match input dtype Float"),
    ("T.fft.irfft(x, out=T.empty(0, dtype=T.complex64))", RuntimeError, "irfftn? expects a floating point output tensor, but got ComplexFloat"),
    ("T.outer(x[0].requires_grad_(), x[0], out=T.empty(3, 3))", RuntimeError, "functions with out=... arguments don't support automatic differentiation"),
    ("T.var_mean(x, out=(T.empty(()), T.empty(())))", TypeError, r"var_mean\(\) received an invalid combination of arguments"),
    ("T.masked_fill(x, x > 0, 1.0, out=x)", TypeError, r"masked_fill\(\)"),
    ("T.linalg.matrix_exp(T.eye(2), out=T.empty(2, 2))", TypeError, "unexpected keyword argument 'out'|invalid combination"),
    ("T.randn(2, out=T.empty(2).requires_grad_())", RuntimeError, "requires? grad"),
    ("F.layer_norm(x.double(), (3,), T.ones(3))", RuntimeError, "all inputs must share same datatype"),
    ("F.batch_norm(x.double(), T.zeros(3).double(), T.ones(3))", RuntimeError, "mixed dtype|share same datatype|expected scalar type"),
    ("F.group_norm(x, 1, T.ones(3).double())", RuntimeError, "mixed dtype"),
    ("F.prelu(x, T.ones(1).double())", RuntimeError, "prelu: Type promoting not supported. Got Float and Double"),
    ("F.grid_sample(x[None, None], T.ones(1, 2, 2, 2).double(), align_corners=False)", RuntimeError, "expected scalar type Float but found Double"),
    ("F.affine_grid(T.ones(1, 2, 3).long(), (1, 1, 2, 2), align_corners=False)", ValueError, "Expected theta to have floating point type, but got torch.int64"),
    ("T.linalg.solve(T.eye(2), T.ones(2).double())", RuntimeError, "Expected A and B to have the same dtype, but found A of type Float and B of type Double"),
    ("T.linalg.vecdot(x, x.double())", RuntimeError, "Expected x and y to have the same dtype"),
    ("T.linalg.cross(T.ones(3), T.ones(3).double())", RuntimeError, "expected scalar type Float but found Double"),
    ("T.linalg.solve_triangular(T.eye(2), T.ones(2), upper=True)", RuntimeError, "The input tensor B must have at least 2 dimensions"),
    ("T.linalg.multi_dot(x)", TypeError, "argument 'tensors' .position 1. must be tuple of Tensors, not Tensor"),
    ("T.linalg.svd(x, driver='gesvd')", RuntimeError, "keyword argument `driver=` is only supported on CUDA"),
    ("T.linalg.vector_norm(x, dtype=T.complex64)", RuntimeError, "dtype should be real for real inputs, but got ComplexFloat"),
    ("T.linalg.vector_norm(x, dtype=T.float16)", RuntimeError, "should be convertible without narrowing to the specified dtype .Half."),
    ("T.cholesky_solve(T.ones(2, 1), x)", RuntimeError, "A must be batches of square matrices"),
    ("T.addcdiv(x.long(), x.long(), x.long())", RuntimeError, "Integer division with addcdiv is no longer supported"),
    ("F.binary_cross_entropy(x.sigmoid(), x * 5)", RuntimeError, "all elements of target should be between 0 and 1"),
    ("F.binary_cross_entropy_with_logits(x, x.long())", RuntimeError, "result type Float can't be cast to the desired output type Long"),
    ("F.ctc_loss(T.ones(4, 2, 3), T.ones(2, 2).long(), T.tensor([4, 4]), T.tensor([2, 5]))", RuntimeError, "Expected tensor to have size at least 5 at dimension 1, but got size 2"),
    ("F.ctc_loss(T.ones(4, 2, 3), T.ones(2, 2).long(), T.tensor([4., 4.]), T.tensor([2, 2]))", RuntimeError, "input_lengths must be integral"),
    ("F.scaled_dot_product_attention(x[None], x[None], x[None], dropout_p=2.0)", RuntimeError, "dropout probability has to be between 0 and 1, but got 2"),
    ("F.dropout2d(T.ones(2))", RuntimeError, "Feature dropout requires at least 2 dimensions in the input"),
    ("T.fft.fft(x, n=-1)", RuntimeError, r"Invalid number of data points \(-1\) specified"),
    ("T.fft.irfftn(x, dim=())", RuntimeError, "irfftn must transform at least one axis"),
    ("x.__setitem__(T.tensor([0]), T.ones(3).double())", RuntimeError, "Index put requires the source and destination dtypes match, got Float for the destination and Double for the source"),
    ("x.__setitem__(slice(0, 1), np.ones(3))", TypeError, "can't assign a (numpy.)?ndarray to a torch.FloatTensor"),
    ("x[{0}]", IndexError, "only integers, slices .*are valid indices .got set."),
    ("x.index_put_(T.tensor([0]), T.ones(3))", TypeError, "argument 'indices' .position 1. must be tuple of Tensors, not Tensor"),
    ("x.index_add(0, T.tensor([0]), T.tensor(1.0))", RuntimeError, "source tensor shape must match self tensor shape"),
    ("x.index_reduce(0, T.tensor([0]), T.ones(1, 3).double(), 'mean')", RuntimeError, "self .Float. and source .Double. must have the same scalar type"),
    ("x.index_fill(0, T.tensor([0], dtype=T.int32), 1)", IndexError, "Expected dtype int64 for index"),
    ("setattr(x, 'requires_grad', 3)", RuntimeError, "requires_grad must be a bool"),
    ("setattr(x.clone().requires_grad_(), 'data', T.ones(2).long())", RuntimeError, "data set to a tensor that requires gradients must be floating point or complex dtype"),
    ("T.set_grad_enabled('a')", TypeError, "argument 'enabled' .position 1. must be bool, not str"),
    ("T.autograd.grad(x.requires_grad_().sum(), [])", (RuntimeError, ValueError), "cannot be empty|non-empty"),
    ("T.arange()", TypeError, "arange.. received an invalid combination of arguments - got .."),
    ("T.arange(0, 1, float('nan'))", RuntimeError, "step must be nonzero"),
    ("T.tril_indices(-1, 2)", RuntimeError, "row must be non-negative, got-1"),
    ("T.device('cpu', 'a')", TypeError, "argument 'index' .position 2. must be int, not str"),
    ("T.nn.init.trunc_normal_(x, a=3.0, b=1.0)", RuntimeError, "expects? .*found .*=3.*=1"),
    ("T.zeros(2**40, 2**40)", RuntimeError, "Storage size calculation overflowed with sizes=.1099511627776, 1099511627776."),
    ("T.full((2**62,), 1.0)", RuntimeError, "Storage size calculation overflowed"),
    ("x.split(2, 2**70)", ValueError, "Overflow when unpacking long long"),
    ("T.cov(2)", TypeError, r"cov\(\): argument 'input' \(position 1\) must be Tensor, not int|cov\(\): argument 'input' must be Tensor, not int"),
    ("F.one_hot(2)", TypeError, "argument 'input'.* must be Tensor, not int"),
    ("F.one_hot(tensor=T.tensor([1]))", TypeError, "one_hot.. (missing|got)"),
    ("F.dropout('a')", TypeError, "argument 'input'.* must be Tensor, not str"),
    ("T.bincount(T.tensor([1]), weights=2)", TypeError, "argument 'weights'.* must be Tensor, not int"),
    ("F.batch_norm(x, 2, 3)", TypeError, "argument 'running_mean'.* must be Tensor, not int|batch_norm"),
    ("T.linalg.matrix_norm(x, dim=(0,))", RuntimeError, "linalg.matrix_norm: dim must be a 2-tuple"),
    ("T.linalg.norm(x, 2, dim=(0, 1, 2))", RuntimeError, "If dim is specified, it must be of length 1 or 2"),
    ("F.cross_entropy(x[0], T.tensor([0, 1]))", ValueError, "For 1D input, 1D target must have size 1, but got target size: 2"),
    ("F.multi_margin_loss(x, T.tensor([0, 5]))", RuntimeError, "target out of range"),
    ("F.multilabel_margin_loss(x, T.zeros(2, 3))", RuntimeError, "expected scalar type Long but found Float"),
    ("F.unfold(T.ones(1, 5, 5), 3, stride=0)", RuntimeError, "stride should be greater than zero"),
    ("F.fold(T.ones(4), (4, 4), 2)", RuntimeError, "Expected 2D or 3D .batch mode. tensor for input"),
    ("F.max_unpool2d(T.ones(1, 1, 2, 2), T.ones(1, 1, 2, 2), 2)", RuntimeError, "elements in indices should be type int64 but got: Float"),
    ("F.pad(T.ones(1, 2, 2), (1, 1), mode='reflect', value=2)", RuntimeError, "doesn't take in value argument"),
    ("T.can_cast(T.float32, 'a')", TypeError, "must be torch.dtype, not str"),
    ("T.result_type(x, 'a')", TypeError, "result_type.. received an invalid combination of arguments"),
    ("T.broadcast_shapes((-1,))", ValueError, "Attempting to broadcast a dimension with negative length"),
    ("T.linspace('a', 1, 2)", TypeError, "received an invalid combination of arguments"),
    ("T.nn.Embedding(0, 3)(T.tensor([0]))", RuntimeError, "self indexing axis dim should be positive"),
    ("x.requires_grad_().sum().backward(inputs=[5])", RuntimeError, "all inputs have to be Tensors or GradientEdges, but got int"),
    ("T.Generator('zork')", RuntimeError, "Expected one of cpu"),
    ("T.atleast_1d(x, 2)", TypeError, "expected Tensor as element 1 in argument 0, but got int"),
    ("T.block_diag(x, np.ones(3))", TypeError, "expected Tensor as element 1 in argument 0, but got numpy.ndarray|but got ndarray"),
    ("T.broadcast_tensors(x, 2)", TypeError, "expected Tensor as element 1 in argument 0, but got int"),
    ("x.squeeze((0, 0))", RuntimeError, "dim 0 appears multiple times in the list of dims"),
    ("x.as_strided((2, 2), (1,))", RuntimeError, "mismatch in length of strides and shape"),
    ("x.size(1.5)", TypeError, "argument 'dim'.* must be int, not float"),
    ("T.diag_embed(x, 2**40)", RuntimeError, "Storage size calculation overflowed"),
    ("F.linear(x, T.ones(2, 2, 3))", RuntimeError, r"t\(\) expects a tensor with <= 2 dimensions"),
    ("F.mse_loss(2, x)", AttributeError, "has no attribute|must be Tensor, not int"),
    ("F.batch_norm(2, None, None, training=True)", AttributeError, "has no attribute|must be Tensor, not int"),
    ("F.conv2d(T.ones(1, 1, 4, 4), T.ones(1, 1, 2, 2), padding=1.5)", TypeError, "padding|conv2d.. received an invalid combination"),
    ("F.interpolate(T.ones(1, 1, 4, 4), 1.5, mode='bilinear')", TypeError, "size|received an invalid combination"),
    ("F.interpolate(T.ones(1, 1, 4, 4), 2, recompute_scale_factor=True)", ValueError, "recompute_scale_factor is not meaningful with an explicit size"),
    ("T.randn(2, requires_grad=1)", TypeError, "argument 'requires_grad' must be bool, not int|randn.. received an invalid combination"),
    ("T.eye(2, requires_grad='a')", TypeError, "argument 'requires_grad' must be bool, not str|eye.. received an invalid combination"),
    ("T.empty_strided((2, 2), (1,))", RuntimeError, r"dimensionality of sizes \(2\) must match dimensionality of strides \(1\)"),
    ("T.normal(x, 1, 2)", TypeError, "normal.. received an invalid combination of arguments"),
    ("T.stft(T.ones(8), 4, return_complex=True, align_to_window=True)", RuntimeError, "align_to_window should only be set when center = false"),
    ("T.linalg.solve_triangular(T.eye(2).long(), T.ones(2, 1).long(), upper=True)", NotImplementedError, "triangular_solve_cpu. not implemented for 'Long'"),
    ("T.fft.fft2(x, s=0, dim=(0, 1))", RuntimeError, "When given, dim and shape arguments must have the same length"),
    ("T.mvlgamma(x > 0, 1)", RuntimeError, "may not be a boolean tensor"),
    ("T.tensor([5, 6]).mvlgamma_(1)", RuntimeError, "mvlgamma: result type Float can't be cast to the desired output type (Long|Float)|mvlgamma: result type Long can't be cast"),
    ("(x[0] > 0).index_reduce(0, T.tensor([0]), x[0, :1] > 0, 'amax')", NotImplementedError, "index_func_. not implemented for 'Bool'"),
    ("T.baddbmm(x, x, x)", IndexError, "Dimension out of range|batch1 must be a 3D tensor"),
    ("F.avg_pool2d(x[0], 2)", IndexError, "Dimension out of range|non-empty 3D or 4D"),
    ("x.scatter(1, T.tensor([[0]]), T.ones(1))", IndexError, "Dimension out of range|same number of dimensions as src"),
    ("F.grid_sample(T.tensor(1.0), T.ones(1, 2, 2, 2), align_corners=False)", IndexError, "no dimensions|expected 4D or 5D input"),
    ("T.linalg.cholesky(T.eye(2) * float('nan'))", RuntimeError, "The factorization could not be completed because the input is not positive-definite"),
    ("x.scatter(1, T.tensor([[0]]), None)", TypeError, "scatter.. received an invalid combination of arguments"),
    ("F.adaptive_avg_pool2d(T.ones(1, 1, 4, 4), (1.5, 2))", TypeError, "output_size"),
    ("T.repeat_interleave(x, 2, dim=0, output_size=3)", RuntimeError, "allocated size does not match required size|Invalid output_size"),
    ("T.histogram(x, T.ones(3).double())", RuntimeError, "input tensor and bins tensors? should have the same dtype"),
    ("T.linalg.vander(x > 0)", RuntimeError, "linalg.vander supports floating point, complex, and integer tensors"),
    ("T.tensor_split(x, T.tensor([1], dtype=T.int32))", RuntimeError, "to have dtype of long"),
    ("T.cdist(x, x, float('nan'))", RuntimeError, "cdist only supports non-negative p values"),
    ("T.empty_permuted((2, 3), (0,))", RuntimeError, "Number of dimensions in size does not match the length of the physical_layout"),
    ("T.device(-1)", RuntimeError, "Device index must not be negative"),
    ("T.norm(x, 'nuc', 0)", RuntimeError, "linalg.matrix_norm: dim must be a 2-tuple"),
    ("T.geqrf(x.long())", NotImplementedError, "geqrf_cpu. not implemented for 'Long'"),
    ("x.lstsq(x, driver='gels')", TypeError, "unexpected keyword argument 'driver'"),
    ("F.interpolate(T.ones(1, 4), size=8)", NotImplementedError, "Only 3D, 4D and 5D input Tensors supported"),
    ("F.interpolate(T.tensor(1.0), size=(3,))", ValueError, "Input and output must have the same number of spatial dimensions"),
    ("T.cosh(np.ones(3, np.float32))", TypeError, r"cosh\(\): argument 'input' \(position 1\) must be Tensor, not numpy.ndarray"),
    ("T.cosh(np.float64(2.0))", TypeError, r"cosh\(\): argument 'input' \(position 1\) must be Tensor, not numpy.float64"),
    ("T.cat([np.ones(3, np.float32)])", TypeError, "expected Tensor as element 0 in argument 0, but got numpy.ndarray|expected Tensor as element 0 in argument 0, but got ndarray"),
]


def answer(library, call):
    scope = {"T": library, "F": importlib.import_module(f"{library.__name__}.nn.functional"), "np": np, "x": library.tensor([[0.5, 2.0, -1.0], [1.0, -0.5, 3.0]])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(call, scope)


@pytest.mark.oracle
@pytest.mark.parametrize("call", TAKEN)
def test_a_call_is_taken_as_in_pytorch(call):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    mine, theirs = answer(lab, call), answer(torch, call)
    assert str(mine.dtype) == str(theirs.dtype) and mine.shape == theirs.shape and np.allclose(mine.numpy(), theirs.numpy())


@pytest.mark.parametrize("call", ["T.repeat_interleave(x, 3)", "T.median(x, 0).values", "T.sort(x).values", "T.mode(x).values", "F.pixel_shuffle(T.ones(1, 1, 2, 2), 1)", "T.msort(x)"])
def test_a_result_that_is_no_view_shares_no_memory(call):
    x = lab.from_numpy(np.array(2.0))
    found = eval(call, {"T": lab, "F": lab.nn.functional, "x": x})
    found.fill_(9.0)
    assert x.item() == 2 and 0 not in [step for step, n in zip(found.stride(), found.shape) if n > 1]


@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_a_call_is_refused_in_pytorchs_words(call, kind, words):
    with pytest.raises(kind, match=words):
        answer(lab, call)


@pytest.mark.oracle
@pytest.mark.parametrize(("call", "kind", "words"), REFUSED)
def test_pytorch_refuses_the_call_in_these_words(call, kind, words):
    torch = pytest.importorskip("torch", reason="no comparison with PyTorch: it is not installed")
    with pytest.raises(kind, match=words):
        answer(torch, call)


@pytest.mark.parametrize("call", ["F.kl_div(x, x.exp())", "F.mse_loss(x, x[0])", "F.mse_loss(x, x, size_average=True)", "T.std(T.ones(1))", "T.tensor([1.0]).new_tensor(x)", "T.nn.Softmax()(x)",
                                  "T.nn.InstanceNorm1d(3)(T.ones(2, 4, 5))", "T.optim.SGD([w, w], lr=0.1)", "(w * 2).grad", "T.nn.Linear(0, 2)"])
def test_a_warning_names_the_line_of_the_program(call):
    w = lab.ones(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        eval(compile(call, "program.py", "eval"), {"T": lab, "F": lab.nn.functional, "x": lab.tensor([[0.5, 2.0, 1.0]]), "w": w})
    assert seen and {each.filename for each in seen} == {"program.py"}


def test_a_tensor_with_too_few_dimensions_and_no_tensor_at_all_are_two_errors_in_one():
    with pytest.raises(IndexError) as missing:
        lab.baddbmm(lab.ones(1, 1), lab.ones(1, 1), lab.ones(1, 1))
    assert isinstance(missing.value, RuntimeError) and type(missing.value).__name__ == "IndexError"
    with pytest.raises(TypeError) as none:
        lab.nn.functional.mse_loss(lab.ones(1), 1.0)
    assert isinstance(none.value, AttributeError) and type(none.value).__name__ == "TypeError"
