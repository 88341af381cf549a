"""Flax NNX modules: the JAX module of a cell, with a layer that holds its parameters."""

from derive.backends import KEPT as STORES
from derive.backends import no_overview as overview
from derive.backends.flax.module import POLICY, files

__all__ = ["POLICY", "STORES", "files", "overview"]
