"""Blocks of a Jacobian as text: sums of products of diagonal matrices and weights."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from derive.adjoint import Adjoint
from derive.display.derivation import Textbook, negative, readable
from derive.display.formula import BEFORE_OPERAND, Mathematics
from derive.jacobian import Along, Block, Bracket, Column, Diagonal, Factor, Named, Row, Sum, Term
from derive.nodes import Quantity, axes_of, own
from derive.printing import ATOM, POWER, SUM, Infix


class SumsLast(Infix):
    """Writes i ∘ g ∘ (1 - i): what is short stands before what is long."""

    def sort(self, parts: Iterable[sp.Expr]) -> list[sp.Expr]:
        return sorted(super().sort(parts), key=lambda part: isinstance(part, sp.Add))


class Blocks:
    """Writes blocks, their entries by way of a printer; a subclass has the words."""

    diag, identity, ones, apart, kronecker = "diag", "I", "1", " ", "⊗"
    number = POWER  # how tightly a number in front of a matrix has to hold together

    def __init__(self, printer: Mathematics, derived: Adjoint, book: Textbook):
        self.printer = printer
        self.meaning = hidden(derived, book)

    def sides(self, block: Block) -> tuple[str, str]:
        """Both sides of a block's equation."""
        return self.partial(block.of, block.by), self.sum(block.terms, block.by)

    def sum(self, terms: Sum, by: Quantity) -> str:
        """Products, one without a minus first."""
        signed = sorted(map(_signed, terms), key=lambda pair: pair[0])
        text = ""
        for is_negative, term in signed:
            plus = self.printer.plus if text else ""
            minus = self.printer.minus if text else self.printer.negation
            text += (minus if is_negative else plus) + self.product(term, by)
        return text

    def product(self, term: Term, by: Quantity) -> str:
        """Matrices side by side; where there is none, the identity."""
        texts = [self.factor(factor, by) for factor in term]
        is_number = all(isinstance(f, Diagonal) and own(axes_of(f.entries)) == () for f in term)
        joint = BEFORE_OPERAND + self.apart
        return joint.join([*texts, self.identity] if is_number else texts)

    def factor(self, factor: Factor, by: Quantity) -> str:
        match factor:
            case Bracket(terms):
                return self.printer.bracket(self.sum(terms, by))
            case Named(quantity):
                return self.partial(quantity, by)
            case Diagonal(entries, of) if own(axes_of(entries)) != ():
                diagonal = f"{self.diag}({self.entries(entries)})"
                places = [of.index(axis) for axis in own(axes_of(entries))] if of else []
                return self.beside(diagonal, *places) if places else diagonal
            case Diagonal(entries):
                return self.entries(entries, self.number)
            case Row(entries):
                return self.transposed(self.vector(entries))
            case Column(entries):
                return self.vector(entries)
            case Along(inner, place):
                return self.beside(self.factor(inner, by), place)
        return self.printer.print(factor.matrix, ATOM)

    def beside(self, factor: str, place: int) -> str:
        """The product of Kronecker of a factor with the identity, row after row."""
        left, right = (factor, self.identity) if place == 0 else (self.identity, factor)
        return self.printer.bracket(f"{left} {self.kronecker} {right}")

    def vector(self, entries: sp.Expr) -> str:
        """A vector; of one number, so many times ones."""
        if axes_of(entries) != ():
            return self.entries(entries, ATOM)
        times = "" if entries == 1 else self.entries(entries, self.number) + self.apart
        return times + self.ones

    def entries(self, entries: sp.Expr, above: int = SUM) -> str:
        return self.printer.print(readable(entries.xreplace(self.meaning)), above)

    def partial(self, of: Quantity, by: Quantity) -> str:
        """∂q/∂s."""
        raise NotImplementedError

    def transposed(self, vector: str) -> str:
        """A vector as a row."""
        raise NotImplementedError


def _signed(term: Term) -> tuple[bool, Term]:
    """Whether a product has a minus, and the product without it."""
    first = term[0] if term else Diagonal(sp.S.One)
    if not isinstance(first, Diagonal | Column) or not negative(first.entries):
        return False, term
    rest = term[1:]
    return True, rest if first == Diagonal(-sp.S.One) else (type(first)(-first.entries), *rest)


def hidden(derived: Adjoint, book: Textbook) -> dict[sp.Expr, sp.Expr]:
    """The definitions of quantities that a textbook does not show."""
    shown = {e.lhs for e in book.forward}
    meaning: dict[sp.Expr, sp.Expr] = {}
    for e in derived.forward:
        if e.lhs not in shown:
            meaning[e.lhs] = e.rhs.xreplace(meaning)
    return meaning
