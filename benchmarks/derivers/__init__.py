"""One step of the LSTM and its gradient, derived and written by Cellwright, SymForce, wrenfold and
CasADi.

All start from the same equations and end with a file. From x, h, c, the parameters, and the loss's
derivatives dh, dc by the new h and c, what is written computes the new h and c, and the gradient of
dh·h_next + dc·c_next by x, h, c and every parameter.

What they do beside that, or do not:

- **SymForce** and **wrenfold** know scalars: matrices are written out element by element, so their
  sizes are fixed before anything is derived, and work and files grow with them. Both find common
  subexpressions, and write C++ (SymForce's is not sent through clang-format here).
- **CasADi** differentiates a graph of matrix operations, in reverse, and writes C. Sizes are fixed,
  and what runs interprets nothing; but the C holds a call or a loop for every operation.
- **Cellwright** derives once for all sizes, and what it writes is much more than the step: the loop
  over time, its gradient, `jvp` and `hvp`, checks of arguments, and documentation. It is timed
  doing all of that, since that is what it does.

None compiles anything. `values` evaluates what was derived, so that a test can tell that it is the
same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

GATES = "ifgo"
MATRICES = {"W": "HI", "U": "HH", "b": "H"}
STATES = ("h", "c", "dh", "dc")

Shapes = dict[str, tuple[int, ...]]


def shapes(I: int, H: int) -> Shapes:
    """Everything that the step is given."""
    lengths = {"I": I, "H": H}
    params = {
        f"{letter}_{gate}": tuple(lengths[axis] for axis in axes)
        for gate, (letter, axes) in product(GATES, MATRICES.items())
    }
    return {"x": (I,)} | dict.fromkeys(STATES, (H,)) | params


def column(shape: tuple[int, ...]) -> tuple[int, int]:
    """A vector's shape as a matrix."""
    rows, *columns = shape
    return rows, (columns[0] if columns else 1)


def by(given: Shapes) -> Iterator[str]:
    """What the gradient is by: all but the derivatives that it starts from."""
    return (name for name in given if name not in ("dh", "dc"))


def lstm(v, F):
    """The new h and c, as columns. `F` has what libraries call differently: `product` of a matrix
    and a column, and, elementwise, `times`, `sigmoid` and `tanh`."""

    def a(gate):
        products = F.product(v[f"W_{gate}"], v["x"]), F.product(v[f"U_{gate}"], v["h"])
        return products[0] + products[1] + v[f"b_{gate}"]

    i, f, g, o = F.sigmoid(a("i")), F.sigmoid(a("f")), F.tanh(a("g")), F.sigmoid(a("o"))
    c = F.times(f, v["c"]) + F.times(i, g)
    return F.times(o, F.tanh(c)), c
