"""What the signs in a trace mean, said of the cell's own quantities, which every format writes in
its own way."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from derive.adjoint import Adjoint
from derive.display.derivation import Textbook
from derive.display.trace.story import Text
from derive.elementwise import exp, sigmoid
from derive.nodes import Quantity, Transposed


def notation(book: Textbook) -> Text:
    """The signs of the equations of one step: σ, a state's new value, the product."""
    return sentence([*_sigmoid(book), *_new_values(book), *_product(book)])


def bars(book: Textbook, derived: Adjoint) -> tuple[Text, ...]:
    """The signs of the adjoint equations: the bar, its parts, the transpose."""
    output, seed = derived.bar[derived.cell.output], derived.seed
    first: Text = (
        "A bar marks an adjoint, the derivative of the loss with respect to a quantity: ",
        *(output, " is that of ", derived.cell.output, "."),
    )
    parts: list[Text] = [(seed, " is what the loss itself gives for it")]
    for carry in list(derived.carry.values())[:1]:
        parts.append((carry, " is what the next step has handed back"))
    for matrix in _transposed(book):
        parts.append((Transposed(matrix), " is the transpose of ", matrix))
    return (first, sentence(parts))


def sentence(parts: list[Text]) -> Text:
    """Several statements as one sentence; nothing where there are none."""
    found: list[str | sp.Expr] = []
    for n, part in enumerate(parts):
        found += [", and " if n == len(parts) - 1 else ", "] * (n > 0)
        found += part
    return (*found, ".") if found else ()


def _new_values(book: Textbook) -> Iterator[Text]:
    for old, new in list(book.cell.updates.items())[:1]:
        yield (new, " is the new value of ", old)


def _product(book: Textbook) -> Iterator[Text]:
    """One of the products entry by entry that occur."""
    for equation in book.forward:
        for product in sorted(equation.rhs.atoms(sp.Mul), key=str):
            vectors = [f for f in product.args if isinstance(f, Quantity) and f.axes]
            if len(vectors) > 1:
                yield (sp.Mul(*vectors[:2]), " is a product entry by entry")
                return


def _sigmoid(book: Textbook) -> Iterator[Text]:
    """The first sigmoid that occurs."""
    for equation in book.forward:
        for found in sorted(equation.rhs.atoms(sigmoid), key=str)[:1]:
            yield (found, " = ", 1 / (1 + exp(-found.args[0])))
            return


def _transposed(book: Textbook) -> list[sp.Expr]:
    """A matrix that is transposed, where there is one."""
    for equation in (*book.adjoints, *book.back, *book.inputs):
        for node in sorted(equation.rhs.atoms(Transposed), key=str):
            return [node.args[0]]
    return []
