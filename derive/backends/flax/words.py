"""The words that a layer's class and its methods use, so that no parameter may be called so."""

from __future__ import annotations

import keyword

# What nnx.Module has, then what a layer has.
LAYER = frozenset(keyword.kwlist) | frozenset(
    "eval iter_children iter_modules perturb set_attributes sow train "
    "self params step rngs dtype".split()
)
MODULE = frozenset("nnx Constant".split())
