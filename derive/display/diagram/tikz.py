"""A scene as TikZ, for papers: a document that compiles, with the picture alone on its page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from derive.display.diagram.arrow import arrow
from derive.display.diagram.label import CIRCLED, Run, runs
from derive.display.diagram.scene import Scene
from derive.display.latex.text import escape
from derive.display.letters import GREEK
from derive.display.unicode import BAR
from derive.render import render

SIGNS = {
    **{letter: rf"\{name} " for name, letter in GREEK.items() if letter not in "AΑ"},
    "∘": r"\circ ",
    "−": "-",
    "×": r"\times ",
    "√": r"\surd ",
    "Σ": r"\sum ",
    "·": r"\cdot ",
    "²": "^2",
    "′": "'",
    "σ": r"\sigma ",
    "⌊": r"\lfloor ",
    "⌋": r"\rfloor ",
    "{": r"\{",
    "}": r"\}",
    " ": r"\,",
}


def tikz(scene: Scene) -> str:
    """The text of a LaTeX document; \\input takes its tikzpicture."""
    words = {"tex": formula, "arrow": arrow, "escape": escape}
    return render("diagram/picture.tex.j2", scene=scene, **words)


def formula(label: str) -> str:
    """A label as LaTeX in mathematics."""
    text = ""
    for level, group in groupby(runs(label), key=lambda run: run.level):
        inside = "".join(_words(group))
        text += {-1: f"_{{{inside}}}", 0: inside, 1: f"^{{{inside}}}"}[level]
    return text


def _words(pieces: Iterator[Run]) -> Iterator[str]:
    for piece in pieces:
        word = piece.text.replace(BAR, "")
        if piece.italic:
            letter = SIGNS.get(word, word)
            yield rf"\bar{{{letter}}}" if BAR in piece.text else letter
        elif word.replace("_", "").isalpha() and word.isascii():
            upright = rf"\mathrm{{{word}}}".replace("_", r"\_")
            yield rf"\overline{{{upright}}}" if BAR in piece.text else upright
        else:
            yield "".join(_sign(character) for character in piece.text)


def _sign(character: str) -> str:
    if character in CIRCLED:
        return rf"\text{{({CIRCLED.index(character) + 1})}}"
    if character in SIGNS:
        return SIGNS[character]
    is_plain = character.isalnum() or character in "+-=/(),.:[]"
    return character if is_plain else rf"\text{{{escape(character)}}}"
