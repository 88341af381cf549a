"""The numbers that texts work out by hand, computed: each misprint explained where it is met.

What a text prints, and what is to be said of it, stands in `sources.toml`; every number that is
right comes out of the cell's equations.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from derive.display.trace.data import listed
from derive.display.trace.numbers import figure
from derive.display.trace.story import Line, Section, Story
from derive.display.trace.tell import Told, forwards, tell, told_by
from derive.display.trace.telling import in_letters, in_words
from derive.evaluation.trace import Trace, trace
from derive.library import load
from derive.nodes import CellError

FILE = Path(__file__).with_name("sources.toml")


@dataclass(frozen=True)
class Example:
    """A number that a text works out; see `sources.toml`."""

    name: str
    title: str
    printed: str
    says: str
    cell: str
    series: list[float]
    state: Mapping[str, float]
    weights: Mapping[str, float]
    shows: tuple[str, ...] = ()
    other: tuple[Mapping[str, Any], ...] = field(default=())

    def trace(self) -> Trace:
        return trace(load(self.cell), self.series, self.weights, self.state)

    def others(self) -> Iterator[Example]:
        """The same with other numbers."""
        for changes in self.other:
            yield replace(self, **{"other": (), **changes})


@cache
def tables() -> Mapping[str, Any]:
    """What the file has."""
    found: Mapping[str, Any] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return found


@cache
def examples() -> tuple[Example, ...]:
    """All of them, in the order of the text."""
    return tuple(Example(**table) for table in tables()["example"])


def example(name: str) -> Example:
    """The example of that name; CellError where there is none."""
    for found in examples():
        if found.name == name:
            return found
    names = ", ".join(e.name for e in examples())
    raise CellError(f"no example is called {name!r}; there are {names}")


def opening(first: Story) -> Story:
    """The text's title and what it calls the quantities, to stand before its examples."""
    source = tables()["source"]
    return replace(first, title=source["title"], notes=((source["names"],),), sections=())


def story(example: Example) -> Story:
    """An example: what the text prints, the numbers, and what is to be said of them."""
    traced = example.trace()
    printed = Section((f"The text prints: {example.printed}",))
    if not example.shows:
        whole = tell(traced, in_words, (forwards,))
        sections = (printed, *whole.sections, said(example, traced))
        return replace(whole, title=example.title, sections=sections)
    told = told_by(traced, in_letters)
    sections = (printed, worked(example, told), said(example, traced))
    for other in example.others():
        again = told_by(other.trace(), in_letters)
        sections += (worked(other, again), said(other, again.trace))
    return Story(example.title, told.book, (), sections)


def worked(example: Example, told: Told) -> Section:
    """The equations that an example shows, at the last step."""
    last, cell = len(told.trace.steps) - 1, told.trace.cell
    value = told.at(last)
    shown = [e for e in told.book.forward if e.lhs.name in example.shows]
    lines = tuple(Line(e, value, remarks=told.telling.remarks(e, value)) for e in shown)
    read = [p for p in cell.parameters if p.name in example.weights]
    states = [s for s in cell.states if s.name in example.state]
    return Section((), given=told.given(last, *cell.given, *states, *read), lines=lines)


def said(example: Example, traced: Trace) -> Section:
    """What is to be said of an example, with its numbers."""
    return Section((), notes=((in_numbers(example.says, traced),),))


def in_numbers(text: str, traced: Trace) -> str:
    """A text with the values of the last step where it names them."""
    last = {name: array[-1].ravel() for name, array in traced.values.items()}
    return text.format_map({name: figure(float(a[0])) for name, a in last.items()})


def as_data(example: Example) -> dict[str, Any]:
    """An example for programs."""
    traced = example.trace()
    shown = example.shows or tuple(s.name for s in traced.cell.updates.values())
    return {
        "name": example.name,
        "printed": example.printed,
        "says": in_numbers(example.says, traced),
        "right": {name: listed(traced.values[name].ravel()[-1]) for name in shown},
    }
