"""Expressions as JAX writes them, on whole arrays."""

from __future__ import annotations

from derive.backends.functional.printer import FunctionalPrinter

NUMPY = "tanh exp expm1 log log1p sqrt sin cos sign floor maximum".split()
NEURAL = "sigmoid relu softplus log_sigmoid".split()


class JaxPrinter(FunctionalPrinter):
    """Prints expressions on JAX's arrays."""

    library = "jnp"
    calls = {name: f"jnp.{name}" for name in NUMPY}
    calls |= {name: f"jax.nn.{name}" for name in NEURAL} | {"absolute": "jnp.abs"}
