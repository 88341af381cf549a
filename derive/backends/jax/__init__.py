"""JAX modules: a cell as functions on pytrees, with derived gradients."""

from derive.backends import KEPT as STORES
from derive.backends import no_overview as overview
from derive.backends.jax.module import POLICY, files

__all__ = ["POLICY", "STORES", "files", "overview"]
