"""Equations as the lines of an align* environment."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from derive.cell import Equation
from derive.display.formula import fill, plain
from derive.display.latex.printer import Latex
from derive.display.latex.width import em

WIDTH = 34.0  # of an equation, in em
COLUMNS = 96  # of the source

Rows = list[tuple[str, str]]  # what stands left and right of the alignment


def rows(latex: Latex, equations: Iterable[Equation], total: str = "") -> Rows:
    """Equations as lines that fit the width, where there is anywhere to break them."""
    return broken([latex.sides(equation, total) for equation in equations])


def broken(sides: Rows) -> Rows:
    """Left and right sides as such lines."""
    widest = max((em(left) for left, _ in sides), default=0)
    lines: Rows = []
    for left, right in sides:
        if widest > WIDTH / 3:  # too much to indent all the others by
            lines += [("", left)]
            left, room = "", WIDTH - 3
        else:
            room = WIDTH - widest - 1.5
        (_, first), *others = fill(right, em, room, room - 2)
        lines.append((left, f"= {first}" if left else rf"\quad = {first}"))
        lines += [("", r"\qquad " + r"\quad " * depth + "{}" + line) for depth, line in others]
    return lines


def extent(lines: Rows) -> float:
    """The width of aligned lines, in em."""
    return sum(max(map(em, side)) for side in zip(*lines, strict=True)) if lines else 0.0


def align(lines: Rows) -> str:
    """Lines in an align* environment, with no line of the source too long."""
    texts = [f"{left} &{right}" if right[0] == "=" else f"& {right}" for left, right in lines]
    texts = [text + r" \\" for text in texts[:-1]] + texts[-1:]
    source = [r"\begin{align*}"]
    for text in texts:
        (_, first), *others = fill(
            text, lambda part: len(plain(part)), COLUMNS - 2, COLUMNS - 6, indent=2
        )
        source += indented(first, 2)
        for depth, line in others:
            source += indented(line, 6 + 2 * depth)
    return "\n".join([*source, r"\end{align*}"])


def indented(text: str, indent: int) -> list[str]:
    """A line of the source at an indent; one that is still too long goes on in the next."""
    wrapper = textwrap.TextWrapper(
        COLUMNS,
        initial_indent=" " * indent,
        subsequent_indent=" " * 10,
        break_long_words=False,
        break_on_hyphens=False,
    )
    lines = wrapper.wrap(plain(text))
    if max(map(len, lines)) > COLUMNS:  # more spaces to break at, which do not show
        lines = wrapper.wrap(re.sub(r"([}(])(?=[{\\])", r"\1 ", plain(text)))
    return lines
