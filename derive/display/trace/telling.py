"""Two ways of telling a step: in the usual letters, and as what happens to a memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive.cell import Equation
from derive.display.derivation import Textbook
from derive.display.trace.bounds import is_within_one
from derive.display.trace.numbers import percentages
from derive.display.trace.printers import Value
from derive.display.trace.roles import Role, memories, roles
from derive.display.trace.steps import Part, StoryStep, Teller
from derive.display.trace.story import Text
from derive.display.unicode import Unicode
from derive.nodes import Quantity, symbols_of


@dataclass(frozen=True)
class Telling:
    """A way of telling.

    steps    the steps that one step of the cell is told in; one without a heading is all of it
    remarks  what is to be said of the value of an equation
    legend   what the words stand for
    """

    steps: tuple[StoryStep, ...]
    remarks: Callable[[Equation, Value], tuple[Text, ...]]
    legend: Text = ()


def in_letters(book: Textbook) -> Telling:
    """The equations in the order of evaluation; of a gate, how far it is open."""
    gates = book.cell.gates

    def remarks(equation: Equation, value: Value) -> tuple[Text, ...]:
        if equation.lhs not in gates:
            return ()
        return ((f"{percentages(value(equation.lhs))} open",),)

    return Telling((StoryStep((), tuple(map(Part, book.forward))),), remarks)


def in_words(book: Textbook) -> Telling:
    """What is kept, what is new, what is let in and out; of a gate, what it does."""
    cell = book.cell
    names, every = memories(cell), roles(book)
    new = {update: state for state, update in cell.updates.items()}

    def remarks(equation: Equation, value: Value) -> tuple[Text, ...]:
        if equation.lhs in new and is_within_one(cell, equation):
            return (("between −1 and 1, whatever the weights",),)
        own = (role for role in every if role.gate == equation.lhs)
        return tuple(acts(role, percentages(value(role.share)), names) for role in own)

    steps = Teller(book, Unicode(book).terms).tell()
    return Telling(steps, remarks, legend(names, steps))


def acts(role: Role, share: str, names: dict[Quantity, str]) -> Text:
    """What a gate does to what: an old state has its word, what is short its letters."""
    if role.partner in names:
        return (f"{role.does} {share} of the old {names[role.partner]} ", role.partner)
    if len(symbols_of(role.partner)) > 2:
        return (f"{role.does} {share} of what it multiplies",)
    return (f"{role.does} {share} of ", role.partner)


KINDS = {"long memory": ", to which each step adds", "short memory": ", computed anew"}


def legend(names: dict[Quantity, str], steps: tuple[StoryStep, ...]) -> Text:
    """Which state is which memory, and what a candidate is, where there is one."""
    said = []
    for word in sorted(set(names.values())):
        own = ", ".join(state.name for state, name in names.items() if name == word)
        said.append(f"{word.capitalize()}: {own}{KINDS.get(word, '')}.")
    if any("candidate" in str(step.heading) for step in steps):
        said.append("A candidate is what a step proposes for a memory.")
    return (" ".join(said),)


TELLINGS = {"letters": in_letters, "memory": in_words}
