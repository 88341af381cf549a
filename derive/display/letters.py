"""A quantity's name as a letter and its subscripts, for formats that can set them."""

from __future__ import annotations

import re

from derive.display.derivation import Textbook
from derive.display.formula import Mathematics
from derive.display.latex.printer import stems

GREEK = {
    name: chr(start + place)
    for start, names in {
        0x3B1: "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron "
        "pi rho varsigma sigma tau upsilon phi chi psi omega",
        0x391: "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron "
        "Pi Rho _ Sigma Tau Upsilon Phi Chi Psi Omega",
    }.items()
    for place, name in enumerate(names.split())
} | {"lamda": "λ", "varepsilon": "ε"}


class Lettered(Mathematics):
    """A printer that has each name in parts: a letter, or a word, and its subscripts."""

    def __init__(self, book: Textbook):
        super().__init__(book)
        parts = stems(book.names.values())
        self.stems = {word: list(map(letters, stem)) for word, stem in parts.items()}


def letters(part: str) -> str:
    """A part of a name in LaTeX as plain letters."""
    word = re.sub(r"\\mathrm\{(.*)\}", r"\1", part).replace("\\_", "_").replace(" ", "")
    return GREEK.get(word.lstrip("\\"), word) if word.startswith("\\") else word
