"""Cellwright: from the equations of a recurrent cell to everything people need from them."""

VERSION = "0.1.0"


def trace(cell, xs, weights=None, state=None, *, sizes=None, seed=None, target=None):
    """A cell run over a series: every value and every adjoint, as arrays by name.

        traced = derive.trace(load("lstm"), [1.0, -1.0], weights={"W_f": 1, "U_f": 2})
        traced.values["f"]      # the forget gate at every step: (T, B, H)
        traced.adjoints["W_f"]  # the derivative of the loss by W_f: (H, I)

    The arguments are those of `derive.evaluation.trace.trace`. In a notebook the result shows each
    equation with its numbers.
    """
    from derive.display.trace import trace as traced

    return traced(cell, xs, weights, state, sizes=sizes, seed=seed, target=target)
