"""From a trace to its story: which steps, which sections, which lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.display.about import settings
from derive.display.derivation import Textbook, textbook
from derive.display.trace.notation import bars, notation
from derive.display.trace.numbers import Array, figure
from derive.display.trace.printers import Value
from derive.display.trace.story import Given, Line, Section, Story, Sum, Text
from derive.display.trace.telling import Telling, in_letters
from derive.evaluation.trace import Trace
from derive.nodes import Quantity

FIRST, LAST = 3, 2  # the steps of a long series that are shown


@dataclass(frozen=True)
class Told:
    """A trace that is being told, of one of its sequences."""

    trace: Trace
    book: Textbook
    telling: Telling
    sequence: int = 0

    def at(self, t: int) -> Value:
        """What gives the value of an expression at a step, in its own shape."""

        def value(expr: sp.Expr) -> Array:
            found = self.trace.value(expr, t)
            return found[self.sequence if len(found) > 1 else 0]

        return value

    def number(self, t: int) -> int:
        """What a step is called: they are counted from 0, but from 1 where equations read that."""
        return t + 1 if self.trace.cell.number else t

    def given(self, t: int, *quantities: Quantity) -> Given:
        value = self.at(t)
        return Given(tuple((q, value(q)) for q in quantities))


def told_by(trace: Trace, telling: Callable[[Textbook], Telling], sequence: int = 0) -> Told:
    """A trace, to be told in some way."""
    book = textbook(trace.derivation)
    return Told(trace, book, telling(book), sequence)


Way = Callable[[Told, "list[int | range]"], Iterator[Section]]


def tell(
    trace: Trace,
    telling: Callable[[Textbook], Telling] = in_letters,
    ways: tuple[Way, ...] = (),
    sequence: int = 0,
    most: int = FIRST + LAST + 1,
) -> Story:
    """The story of a trace.

    telling   how a step is told
    ways      what is told: `forwards`, and after it `backwards`
    sequence  which of the sequences
    most      how many steps are shown; of a longer series the first and the last
    """
    told = told_by(trace, telling, sequence)
    steps = shown(len(trace.steps), most)
    sections = [weights(told)]
    for way in ways or (forwards,):
        sections += way(told, steps)
    title = trace.cell.title + settings(trace.cell)
    return Story(title, told.book, notes(told), tuple(sections))


def shown(count: int, most: int) -> list[int | range]:
    """The steps that are shown, and between them the range of those that are not."""
    if count <= most:
        return list(range(count))
    return [*range(FIRST), range(FIRST, count - LAST), *range(count - LAST, count)]


def notes(told: Told) -> tuple[Text, ...]:
    """What is to be known before the first step."""
    trace = told.trace
    sizes = ", ".join(f"{axis} = {n}" for axis, n in trace.sizes.items())
    count = len(trace.steps)
    found: list[Text] = [(f"{count} step{'s' * (count != 1)}, {sizes}.",)]
    sequences = trace.loss.seed.shape[1]
    if sequences > 1:
        found.append((f"Sequence {told.sequence} of {sequences}, counted from 0.",))
    return (*found, *filter(None, (told.telling.legend, notation(told.book))))


def weights(told: Told) -> Section:
    """The parameters, and where their values are from."""
    trace = told.trace
    others = [p for p in trace.cell.parameters if p not in trace.given]
    said: list[str] = []
    if others and trace.seed is not None:
        rest = "those not given are " if trace.given else ""
        said.append(f"{rest}drawn with seed {trace.seed}")
    elif others:
        said.append("those not given are 0")
    values = tuple((p, trace.weights[p.name]) for p in trace.cell.parameters)
    heading = ("Weights", *(f": {text}" for text in said))
    return Section(heading, given=Given(values))


def forwards(told: Told, steps: list[int | range]) -> Iterator[Section]:
    """Each step of the series, in the order of time."""
    cell, telling = told.trace.cell, told.telling
    for t in steps:
        if isinstance(t, range):
            yield left_out(told.number(t[0]), told.number(t[-1]))
            continue
        told_given = told.given(t, *cell.given, *cell.states)
        yield Section((f"Step t = {told.number(t)}",), given=told_given)
        value = told.at(t)
        for number, step in enumerate(telling.steps, start=1):
            heading: Text = (f"{number}. ", *step.heading) if step.heading else ()
            lines = []
            for part in step.parts:
                remarks = () if part.part is not None else telling.remarks(part.equation, value)
                lines.append(Line(part.equation, value, part.part, remarks))
            yield Section(heading, 2, lines=tuple(lines))


def backwards(told: Told, steps: list[int | range]) -> Iterator[Section]:
    """Each step's adjoints, from the last step to the first, and what the parameters gather."""
    trace, book = told.trace, told.book
    derived = trace.derivation
    loss = f"{trace.loss.formula}, which is {figure(trace.loss.value)}"
    yield Section((f"Backwards: derivatives of the loss, {loss}",), notes=bars(book, derived))
    for t in reversed(steps):
        if isinstance(t, range):
            yield left_out(told.number(t[0]), told.number(t[-1]))
            continue
        handed = told.given(t, derived.seed, *derived.carry.values())
        yield Section((f"Back through step t = {told.number(t)}",), given=handed)
        equations = (*book.adjoints, *book.back, *book.inputs)
        yield Section((), 2, lines=tuple(Line(e, told.at(t)) for e in equations))
    which = f" of sequence {told.sequence}" if trace.loss.seed.shape[1] > 1 else ""
    lines = tuple(gathered(told, e) for e in book.parameters)
    if lines:
        yield Section((f"Gathered over all steps{which}",), lines=lines)


def gathered(told: Told, equation: Equation) -> Sum:
    """What all steps add to a parameter's adjoint."""
    shares = tuple(told.at(t)(equation.lhs) for t in range(len(told.trace.steps)))
    return Sum(equation, shares, sum(shares[1:], shares[0]))


def left_out(first: int, last: int) -> Section:
    """What is said of steps that are not shown."""
    if first == last:
        return Section((f"Step t = {first} is left out",))
    return Section((f"Steps t = {first} to {last} are left out",))
