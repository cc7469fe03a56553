"""All operators, one family a file. Importing this package registers them."""

# ruff: noqa: I001 - imported for what they register, one a line
from . import activations
from . import arithmetic
from . import attention
from . import attributes
from . import bessel
from . import bitwise
from . import channel_norms
from . import classification
from . import clamping
from . import comparison
from . import complex_numbers
from . import composed
from . import conversion
from . import convolution
from . import creation
from . import ctc
from . import decompositions
from . import draws
from . import dropout
from . import elementwise
from . import einsum
from . import embedding
from . import fourier
from . import fractional_pooling
from . import from_data
from . import histograms
from . import indexing
from . import joining
from . import legacy
from . import lesser
from . import linear
from . import losses
from . import masks
from . import more_losses
from . import normalization
from . import norms
from . import order_statistics
from . import padding
from . import picking
from . import places
from . import pooling
from . import products
from . import random_fills
from . import ranges
from . import rearranging
from . import rectifiers
from . import recurrent
from . import reductions
from . import remainders
from . import rounding
from . import sampling
from . import scans
from . import resizing
from . import scattering
from . import sequences
from . import shape
from . import softmaxes
from . import sorting
from . import special_functions
from . import spectrograms
from . import strided
from . import statistics
from . import trigonometry
from . import viewing
from . import vision
from . import leftovers, sparse
from .packets import Packets, load_library
from ..core.arguments import check_all
from ..core.op import public

aten = prims = Packets()

special_functions.fill_special()
check_all(public[""])
check_all(public["special"], aliases={})
# These functions of nn.functional look at their arguments in Python in PyTorch too: they take whatever their parts take.
_python = frozenset(("dropout1d dropout2d dropout3d embedding_bag gaussian_nll_loss grid_sample gumbel_softmax interpolate local_response_norm multi_head_attention_forward "
                     "multilabel_soft_margin_loss normalize softsign tanhshrink triplet_margin_with_distance_loss upsample upsample_bilinear upsample_nearest").split())
_compiled = {name: function for name, function in public["nn.functional"].items() if name not in _python}
check_all(_compiled, aliases={}, prefix="nn.functional.")
public["nn.functional"].update(_compiled)


def __getattr__(name: str):
    """The operators of a namespace that a program has made with `library.custom_op`."""
    from .packets import Namespace, namespaces, refused_libraries

    if name in namespaces:
        return namespaces[name]
    if refused_libraries and not name.startswith("_"):
        return Namespace(name)  # which says, for each operator, why it is missing
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
