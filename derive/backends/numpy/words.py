"""The words that generated modules use themselves, so that nothing else may be called so.

A test compares them with what the templates print.
"""

from __future__ import annotations

import keyword

# Of the module: what it imports and defines.
MODULE = frozenset(
    "annotations accumulate cache cached_property math zipfile np Mapping NamedTuple Params Inputs "
    "State Tape LATEX init forward backward step jvp hvp".split()
)
# Of its functions: arguments, and what the templates call things.
LOCAL = frozenset(
    "k params tape xs x state lengths dys dstate params_dot xs_dot state_dot dys_dot "
    "dstate_dot dtype dparams dxs dparams_dot dxs_dot dstate_dot ys ys_dot past ended ended_s "
    "array before value handed half steps T B first number zip range reversed len".split()
)
# Of `Params`: attributes, and names in its constructor and in `init`.
PARAMS = frozenset(
    "self dtype flat zeros copy save load stacked keys values items get name size sizes "
    "lengths own shapes starts view views SHAPES STACKS np math accumulate rng params bound "
    "parts PARTS SIZES STATES STATE count Params isinstance int bool zip map dict sum tuple type "
    "vars super".split()
)
PYTHON = frozenset(keyword.kwlist)

FUNCTIONS = PYTHON | MODULE | LOCAL
ATTRIBUTES = PYTHON | PARAMS

# Of the module of a network, beside these: what it defines, and what its functions call things.
NETWORK = frozenset(
    "Masks masks loss loss_hvp loss_and_gradient layers dlayers layers_dot dlayers_dot order "
    "numbers rng a b drawn rate width kept isinstance type repr TypeError".split()
)
