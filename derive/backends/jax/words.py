"""The words that generated modules use themselves, so that nothing else may be called so.

A test compares them with what the templates print.
"""

from __future__ import annotations

import keyword

PYTHON = frozenset(keyword.kwlist)

# Of the module: what it imports and defines.
MODULE = frozenset(
    "annotations math NamedTuple jax jnp np lax Params State Inputs SHAPES init forward step "
    "jvp".split()
)
# Of its functions: arguments, and what the templates call things.
FUNCTIONS = (
    PYTHON
    | MODULE
    | frozenset(
        "given params xs state past tape seeds dots seeds_dot ys dys dparams dxs dstate "
        "now carry kept one ended T B".split()
    )
)
# Of `init`: its other arguments and names, which sizes may not have.
INIT = PYTHON | MODULE | frozenset("key dtype keys sizes name size row column".split())
