"""The approximate width of a formula, to decide where to break it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from derive.display.formula import MARKS

# The width of a token in em, where it is not that of its letters.
WIDTHS = dict.fromkeys("mwMW", 1.05) | dict.fromkeys("ijlt,.;:|!()[]'", 0.42)
WIDTHS |= {r"\circ": 1.0, "+": 1.25, "-": 1.25, "=": 1.35, "/": 0.6, r"\sum": 1.7, r"\top": 0.7}
WIDTHS |= {r"\,": 0.2, r"\quad": 1.0, r"\qquad": 2.0, r"\cdot": 0.8, r"\sqrt": 1.0}
WIDTHS |= {r"\Bigl": 0.2, r"\Bigr": 0.2, r"\operatorname": 0.2}
WIDTHS |= dict.fromkeys((r"\bar", r"\overline", r"\mathrm", r"\mathcal", r"\textstyle"), 0.0)
WIDTHS |= dict.fromkeys((" ", *MARKS), 0.0)
WIDTHS |= {rf"\{name}": 0.6 * len(name) for name in "tanh exp log sin cos max min".split()}


def em(latex: str) -> float:
    """The approximate width of a formula in em; an overestimate rather than an underestimate."""
    return _run(iter(re.findall(r"\\[A-Za-z]+|\\.|.", latex)))


def _run(tokens: Iterator[str]) -> float:
    """The width of tokens up to the brace that closes them."""
    width = 0.0
    for token in tokens:
        if token == "}":
            break
        if token == "{":
            width += _run(tokens)
        elif token in "_^":
            width += 0.75 * _argument(tokens)
        elif token == r"\frac":
            width += max(_argument(tokens), _argument(tokens)) + 0.3
        else:
            width += _glyph(token)
    return width


def _argument(tokens: Iterator[str]) -> float:
    token = next(tokens)
    return _run(tokens) if token == "{" else _glyph(token)


def _glyph(token: str) -> float:
    return WIDTHS.get(token, 0.85 if token.isupper() else 0.62)
