"""What a reader is told of a cell in every format: its paper, its shapes."""

from __future__ import annotations

import inspect
import re

from derive.nodes import Axes


def paragraphs(doc: str) -> list[str]:
    """A docstring's paragraphs, each as one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", inspect.cleandoc(doc)) if part]


def paper(doc: str) -> str:
    """The first work that a docstring cites, up to its year; "" where it cites none."""
    found = (re.match(r".*?\((1[89]|20)\d\d\)", paragraph) for paragraph in paragraphs(doc)[1:])
    return next((match[0] for match in found if match), "")


def shape(axes: Axes) -> str:
    """A shape as a reader writes it, ``H × I``; a scalar's is 1."""
    return " × ".join(axis.letter for axis in axes) or "1"
