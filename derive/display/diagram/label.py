"""What is written on a diagram: quantities and short formulas, with real subscripts.

A label is text with marks for what stands lower or higher, so that one text serves every picture;
`runs` takes it apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy as sp

from derive.display.derivation import Name, Textbook
from derive.display.formula import Mathematics, plain
from derive.display.latex.printer import stems
from derive.nodes import Quantity
from derive.printing import ATOM, POWER

LOWER, HIGHER, LEVEL = "\ue010\ue011\ue012"  # what follows stands lower, higher, on the line
BAR = "\N{COMBINING MACRON}"
FUNCTIONS = {"sigmoid": "σ", "maximum": "max", "Minimum": "min"}
GREEK_LETTERS = {
    name: chr(start + place)
    for start, names in {
        0x3B1: "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron "
        "pi rho varsigma sigma tau upsilon phi chi psi omega",
        0x391: "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron "
        "Pi Rho _ Sigma Tau Upsilon Phi Chi Psi Omega",
    }.items()
    for place, name in enumerate(names.split())
} | {"lamda": "λ", "varepsilon": "ε"}


@dataclass(frozen=True)
class Run:
    """A piece of a label.

    level   -1 for a subscript, 1 for a superscript, else 0
    italic  whether it is a letter that stands for something
    """

    text: str
    level: int
    italic: bool


class Labels(Mathematics):
    """Prints quantities and formulas as labels."""

    plus, minus, negation = " + ", " − ", "−"
    times, juxtaposed = " ∘ ", " "

    def __init__(self, book: Textbook):
        super().__init__(book)
        self.stems = stems(book.names.values())

    def symbol(self, symbol: sp.Symbol) -> str:
        if isinstance(symbol, Quantity):
            return self.named(self.names[symbol.name])
        return symbol.name

    def named(self, name: Name) -> str:
        """A quantity's symbol with its bar, subscripts and time step."""
        stem, *subscripts = map(letters, self.stems[name.word])
        if name.bar:
            stem = stem[0] + BAR + stem[1:]
        below = ",".join(part for part in (" ".join(subscripts), _step(name)) if part)
        above = {"loss": "loss", "next": "next"}.get(name.part, "")
        text = stem + (f"{LOWER}{below}{LEVEL}" if below else "")
        return text + (f"{HIGHER}{above}{LEVEL}" if above else "")

    def number(self, number: sp.Number) -> str:
        return super().number(number).replace("-", "−")

    def matvec(self, matrix: sp.Expr, vector: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)} {self.print(vector, ATOM)}"

    def outer(self, left: sp.Expr, right: sp.Expr) -> str:
        return f"{self.print(left, ATOM)} {self.transposed(right)}"

    def transposed(self, matrix: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)}{HIGHER}T{LEVEL}"

    def quotient_of(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        one = len(under) == 1
        below = self.print(under[0], POWER) if one else self.bracket(self.factors(under))
        return f"{self.factors(over) or '1'} / {below}"

    def apply(
        self, function: str, arguments: Iterable[sp.Expr], power: sp.Expr | None = None
    ) -> str:
        above = "" if power is None else self.exponent(power)
        return FUNCTIONS.get(function, function) + above + f"({', '.join(map(self, arguments))})"

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        return "√" + self.print(expr, ATOM), POWER

    def exponent(self, number: sp.Expr) -> str:
        return f"{HIGHER}{number if number.is_Rational else self(number)}{LEVEL}"


def _step(name: Name) -> str:
    return name.step.replace("-", "−")


def letters(part: str) -> str:
    """A part of a name in LaTeX as plain letters."""
    word = re.sub(r"\\mathrm\{(.*)\}", r"\1", part).replace("\\_", "_").replace(" ", "")
    return GREEK_LETTERS.get(word.lstrip("\\"), word) if word.startswith("\\") else word


def runs(label: str) -> Iterator[Run]:
    """The pieces of a label, of one level and slant each."""
    level = 0
    for piece in re.split(f"([{LOWER}{HIGHER}{LEVEL}])", plain(label)):
        if piece in (LOWER, HIGHER, LEVEL):
            level = {LOWER: -1, HIGHER: 1, LEVEL: 0}[piece]
            continue
        for word in re.findall(rf"[^\W\d_]{BAR}?(?![^\W\d_])|[^\W\d_]{{2,}}|[\W\d_]+", piece):
            yield Run(word, level, len(word.replace(BAR, "")) == 1 and word[0].isalpha())


NARROW, WIDE = frozenset("ijlrft.,:;'|()[]1 "), frozenset("mwMWσω∘+−=×")


def width(label: str, size: float) -> float:
    """About how wide a label is, at a size of type."""
    total = 0.0
    for run in runs(label):
        scale = 1.0 if run.level == 0 else 0.72
        for character in run.text:
            if character != BAR:
                total += scale * (
                    0.34 if character in NARROW else 0.78 if character in WIDE else 0.56
                )
    return total * size
