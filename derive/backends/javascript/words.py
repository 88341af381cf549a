"""The words that generated modules use themselves, so that nothing else may be called so.

A test compares them with what the templates print.
"""

from __future__ import annotations

# Reserved in modules, or not to be bound in them.
LANGUAGE = frozenset(
    "arguments await break case catch class const continue debugger default delete do else enum "
    "eval export extends false finally for function if implements import in instanceof interface "
    "let new null package private protected public return static super switch this throw true try "
    "typeof var void while with yield Infinity NaN undefined".split()
)
# Of the module: what it takes from the language, and what it defines.
MODULE = frozenset(
    "Array ArrayBuffer Float32Array Float64Array Int32Array Math Number Object RangeError String "
    "TypeError LATEX STARTS Params init seeded forward backward step shown checkKeys checkOptions "
    "checkCount checkParams checkArray checkRows checkInputs stepNumbers checkState checkLengths "
    "checkTape masked final part sigmoid softplus logSigmoid relu unitStep heaviside "
    "choose".split()
)
# Of its functions: arguments, and what the templates call things.
LOCAL = frozenset(
    "params tape xs x ys state lengths dys dstate dparams dxs others values adjoints ArrayType "
    "first number value T B t seq row col line head from sum left".split()
)

WORDS = LANGUAGE | MODULE | LOCAL
