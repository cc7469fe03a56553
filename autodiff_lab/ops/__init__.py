"""All operators, one family a file. Importing this package registers them."""

from . import (  # noqa: F401 - imported for what they register
    activations, arithmetic, comparison, creation, elementwise, indexing, linear, reductions, shape,
)
