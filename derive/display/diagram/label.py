"""What is written on a diagram: quantities and short formulas, with real subscripts.

A label is text with marks for what stands lower or higher, so that one text serves every picture;
`runs` takes it apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.display.derivation import Name
from derive.display.diagram.graph import Norm
from derive.display.formula import plain
from derive.display.letters import Lettered
from derive.display.unicode import BAR, Unicode
from derive.printing import ATOM, SUM

LOWER, HIGHER, LEVEL = "\ue010\ue011\ue012"  # what follows stands lower, higher, on the line


@dataclass(frozen=True)
class Run:
    """A piece of a label.

    level   -1 for a subscript, 1 for a superscript, else 0
    italic  whether it is a letter that stands for something, which a transpose's does not
    """

    text: str
    level: int
    italic: bool


class Labels(Lettered, Unicode):
    """Prints quantities and formulas as labels."""

    juxtaposed = " "

    def __call__(self, expr: sp.Expr) -> str:
        return plain(super().__call__(expr))  # a label is one line

    def sides(self, equation: Equation, total: str = "") -> tuple[str, str]:
        left, right = super().sides(equation, total)
        return plain(left), plain(right)

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, Norm):  # one that has no name
            return f"{expr.drawn}({self.print(expr.args[0], SUM)})", ATOM
        return super().dispatch(expr)

    def named(self, name: Name) -> str:
        """A quantity's symbol with its bar, subscripts and time step."""
        stem, *subscripts = self.stems[name.word]
        if name.bar:
            stem = stem[0] + BAR + stem[1:]
        below = ",".join(part for part in (" ".join(subscripts), _step(name)) if part)
        # What goes back to the last step is there what the next one has handed back.
        above = {"back": "next"}.get(name.part, name.part)
        text = stem + (f"{LOWER}{below}{LEVEL}" if below else "")
        return text + (f"{HIGHER}{above}{LEVEL}" if above else "")

    def transposed(self, matrix: sp.Expr) -> str:
        return f"{self.print(matrix, ATOM)}{HIGHER}T{LEVEL}"

    def subscript(self, text: str) -> str:
        return f"{LOWER}{text}{LEVEL}" if text else ""

    def exponent(self, number: sp.Expr) -> str:
        return f"{HIGHER}{number if number.is_Rational else self(number)}{LEVEL}"


def _step(name: Name) -> str:
    return name.step.replace("-", "−")


def runs(label: str) -> Iterator[Run]:
    """The pieces of a label, of one level and slant each."""
    level = 0
    for piece in re.split(f"([{LOWER}{HIGHER}{LEVEL}])", label):
        if piece in (LOWER, HIGHER, LEVEL):
            level = {LOWER: -1, HIGHER: 1, LEVEL: 0}[piece]
            continue
        for word in re.findall(rf"[^\W\d_]{BAR}?[^\W\d]+|[^\W\d_]{BAR}?|[\W\d_]+", piece):
            is_letter = len(word.replace(BAR, "")) == 1 and word[0].isalpha()
            yield Run(word, level, is_letter and (level, word) != (1, "T"))


LOW = frozenset("acegijmnopqrsuvwxyzαγεηικμνοπρστυφχψω")


def is_high(word: str) -> bool:
    """Whether it has a bar and is a word, a capital, or a letter that is higher than most."""
    return BAR in word and bool({*word} - LOW - {BAR} or len(word) > 2)


def rise(label: str) -> float:
    """How far a label rises above its line of writing, in the size of its type."""
    return 0.9 if any(is_high(run.text) for run in runs(label)) else 0.78


NARROW, WIDE = frozenset("ijlrft.,:;'|()[]1 "), frozenset("mwMWσω∘+−=×")
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩"  # as wide as they are high; many fonts have no more of them


def width(label: str, size: float) -> float:
    """About how wide a label is, at a size of type."""
    total = 0.0
    for run in runs(label):
        scale = 1.0 if run.level == 0 else 0.72
        for character in run.text:
            if character != BAR:
                total += scale * _advance(character)
    return total * size


def _advance(character: str) -> float:
    """About how wide a character is, in the size of its type."""
    for width, characters in ((0.34, NARROW), (0.78, WIDE), (0.9, CIRCLED)):
        if character in characters:
            return width
    return 0.56
