"""A difference in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

import sympy as sp
from rich.text import Text

from derive.cell import Cell, Equation
from derive.cost.predicted import size, text
from derive.display.about import shape
from derive.display.compare.difference import difference, renamed_word
from derive.display.compare.marks import END, START, marked, unmarked
from derive.display.compare.terms import Change
from derive.display.formula import fill, plain
from derive.display.show import Words, columns
from derive.display.terminal import console
from derive.nodes import Quantity

HEADINGS = {
    "forward": ("One step", ""),
    "adjoints": ("Its adjoints", ""),
    "back": ("Handed back", ""),
    "parameters": ("Gathered", "Σ "),
}
OLD, NEW = "red", "green"


def print_difference(old: Cell, new: Cell) -> None:
    """Print what changes from one cell to another."""
    out, found = console(), difference(old, new)
    out.print(Text(f"{_title(old)} → {_title(new)}", "bold"))
    if found.same:
        out.print("\nNothing changes: the equations are the same.")
    else:
        out.print("\n− is gone, + is new; in a changed equation the terms that differ stand out.")
    for line in _quantities(old, new, found.renamed, out.width):
        out.print(line)
    if found.renamed:
        names = ", ".join(f"{one} is called {two}" for one, two in found.renamed.items())
        out.print(f"  {names}")
    words = Words(found.old), Words(found.new)
    for section, changes in found.sections.items():
        heading, total = HEADINGS[section]
        out.print(Text(f"\n{heading}", "bold"))
        for line in _section(changes, words, total, out.width):
            out.print(line)


def _title(cell: Cell) -> str:
    settings = [str(s) for s in cell.options if s.value != s.default]
    return f"{cell.name} ({', '.join(settings)})" if settings else cell.name


def _quantities(old: Cell, new: Cell, renamed: Mapping[str, str], width: int) -> Iterable[Text]:
    """States and parameters that came and went, and how many numbers the parameters are."""
    yield Text("\nQuantities", "bold")
    for kind in ("states", "parameters"):
        before = _shapes(getattr(old, kind), renamed)
        after = _shapes(getattr(new, kind), {})
        for sign, style, own, other in (("− ", OLD, before, after), ("+ ", NEW, after, before)):
            listed = [f"{name} ({dims})" for key, (name, dims) in own.items() if key not in other]
            if listed:
                whole = f"{sign}{kind}: {', '.join(listed)}"
                for line in textwrap.wrap(whole, width, subsequent_indent="    "):
                    yield Text(line, style)
    counts = [text(sp.Add(*(size(p.axes) for p in cell.parameters))) for cell in (old, new)]
    yield Text(f"  numbers in the parameters: {' → '.join(dict.fromkeys(counts))}")


def _shapes(
    quantities: Iterable[Quantity], renamed: Mapping[str, str]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Quantities with their shapes, by the name that the new cell has for them."""
    own = [(q.name, shape(q.axes)) for q in quantities]
    return {(renamed_word(name, renamed), dims): (name, dims) for name, dims in own}


def _section(
    changes: Iterable[Change], words: tuple[Words, Words], total: str, width: int
) -> Iterable[Text]:
    """The lines of a section: what is unchanged once and quietly, what is not with its sign."""
    changes = list(changes)
    both = [
        w.symbol(e.lhs) for c in changes for w, e in zip(words, (c.old, c.new), strict=True) if e
    ]
    widest = min(max(map(columns, both), default=0), width // 3)
    for change in changes:
        if change.same and change.new:
            yield from _lines("  ", change.new, (), words[1], total, widest, width, "dim")
            continue
        if change.old:
            yield from _lines("− ", change.old, change.removed, words[0], total, widest, width, OLD)
        if change.new:
            yield from _lines("+ ", change.new, change.added, words[1], total, widest, width, NEW)


def _lines(
    margin: str,
    equation: Equation,
    changed: tuple[sp.Expr, ...],
    words: Words,
    total: str,
    widest: int,
    width: int,
    style: str,
) -> Iterable[Text]:
    """One equation, broken where it is too wide, its changed terms standing out."""
    left, right = words.symbol(equation.lhs), marked(words, equation, changed, total)
    lead = f"{' ' * (widest - columns(left))}{left} = "
    room = max(width - len(margin) - columns(lead), 20)
    (_, first), *others = fill(right, lambda t: columns(unmarked(t)), room, room - 2)
    texts = [lead + plain(first)]
    texts += [" " * (columns(lead) + 2 + 2 * depth) + plain(line) for depth, line in others]
    inside = False
    for line in texts:
        shown, inside = _styled(line, inside, style)
        yield Text.assemble((margin, style), shown)


def _styled(line: str, inside: bool, style: str) -> tuple[Text, bool]:
    """A line with what lies between the marks in bold; whether the last mark is still open."""
    made, quiet = Text(), style == "dim"
    for piece in line.replace(END, f"\0{END}").replace(START, f"\0{START}").split("\0"):
        if piece[:1] in (START, END):
            inside = piece[0] == START
        made.append(
            unmarked(piece), f"bold underline {style}" if inside else "dim" if quiet else ""
        )
    return made, inside
