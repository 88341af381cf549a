"""The worked example: a cell's equations over a series, with values put in and results.

`derive.evaluation` has the values. Here they are told: `tell` makes a story of them, lines that are
an equation, its values and its result; the terminal, LaTeX and HTML print stories. `derive.trace`
gives a trace that shows itself in a notebook.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from derive.display.trace.tell import forwards, tell
from derive.evaluation.trace import Trace
from derive.evaluation.trace import trace as evaluated


@dataclass(frozen=True)
class ShownTrace(Trace):
    """A trace that shows itself in a notebook."""

    def _repr_html_(self) -> str:
        from derive.display.trace.html import fragment

        return fragment([tell(self, ways=(forwards,))])


def trace(*arguments: Any, **more: Any) -> ShownTrace:
    """`derive.evaluation.trace.trace`, as what shows itself."""
    plain = evaluated(*arguments, **more)
    return ShownTrace(**{part.name: getattr(plain, part.name) for part in fields(plain)})
