"""A difference in the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

import sympy as sp
from rich.text import Text

from derive.cell import Cell
from derive.cost.predicted import size, text
from derive.display.about import settings, shape
from derive.display.compare.difference import difference, replaced
from derive.display.compare.marks import versions
from derive.display.compare.renamed import called
from derive.display.compare.terms import Change
from derive.display.formula import plain
from derive.display.terminal import console
from derive.display.unicode import Unicode, columns

HEADINGS = {
    "forward": ("One step", ""),
    "adjoints": ("Its adjoints", ""),
    "back": ("Handed back", ""),
    "parameters": ("Gathered", "Σ "),
}
WHOLE = "\u00a0"  # a space at which no line ends
SIGNS = {"": ("  ", "dim"), "-": ("− ", "red"), "+": ("+ ", "green")}


def print_difference(old: Cell, new: Cell) -> None:
    """Print what changes from one cell to another."""
    out, found = console(), difference(old, new)
    out.print(Text(f"{old.name + settings(old)} → {new.name + settings(new)}", "bold"))
    if found.same:
        out.print("\nNothing changes: the equations are the same.")
    else:
        out.print("\n− is gone, + is new; in a changed equation the terms that differ stand out.")
    for line in _quantities(old, new, found.renamed, out.width):
        out.print(line)
    if found.renamed:
        names = ", ".join(f"{one} is called {two}" for one, two in found.renamed.items())
        for row in textwrap.wrap(f"{names}, in all that follows", out.width - 2):
            out.print(f"  {row}")
    printers = Unicode(called(found.old, found.renamed)), Unicode(found.new)
    for section, changes in found.sections.items():
        heading, total = HEADINGS[section]
        out.print(Text(f"\n{heading}", "bold"))
        for line in _section(changes, printers, total, out.width):
            out.print(line)


def _quantities(old: Cell, new: Cell, renamed: Mapping[str, str], width: int) -> Iterable[Text]:
    """Inputs, states and parameters that came and went, and how many numbers the parameters are."""
    yield Text("\nQuantities", "bold")
    kinds = {"inputs": "given", "states": "states", "parameters": "parameters"}
    for kind, own in kinds.items():
        changed = replaced(getattr(old, own), getattr(new, own), renamed)
        for (sign, style), some in zip((SIGNS["-"], SIGNS["+"]), changed, strict=True):
            if some:
                named = (f"{q.name} ({shape(q.axes)})".replace(" ", WHOLE) for q in some)
                whole = f"{sign}{kind}: " + ", ".join(named)
                for row in textwrap.wrap(whole, width, subsequent_indent="    "):
                    yield Text(row.replace(WHOLE, " "), style)
    counts = [text(sp.Add(*(size(p.axes) for p in cell.parameters))) for cell in (old, new)]
    yield Text(f"  numbers in the parameters: {' → '.join(dict.fromkeys(counts))}")


def _section(
    changes: Iterable[Change], printers: tuple[Unicode, Unicode], total: str, width: int
) -> Iterable[Text]:
    """The lines of a section, with the signs of equality one below the other."""
    shown = list(versions(changes, printers))
    lefts = [version.printer.symbol(version.equation.lhs) for version in shown]
    widest = min(max(map(columns, lefts), default=0), width // 3)
    for version, left in zip(shown, lefts, strict=True):
        margin, style = SIGNS[version.sign]
        lead = f"{' ' * (widest - columns(left))}{left} = "
        quiet = style if not version.sign else ""
        room = max(width - len(margin) - columns(lead), 20)
        for number, (depth, pieces) in enumerate(version.lines(total, columns, room, indent=2)):
            start = " " * (columns(lead) + 2 + 2 * depth) if number else lead
            line = Text.assemble((margin, style), (start, quiet))
            for piece, is_changed in pieces:
                line.append(plain(piece), f"bold underline {style}" if is_changed else quiet)
            yield line
