"""What a generated module holds: parameters and states, their shapes and values at first."""

from __future__ import annotations

from derive.backends.numpy.text import shape_of, tuple_of, wrap
from derive.cell import Cell
from derive.program.layout import Layout
from derive.program.program import Program


def parameters(program: Program) -> dict[str, object]:
    """What is trained and what is handed on: shapes, stacks, values at first."""
    cell, layout = program.cell, program.layout
    lengths = [shape_of(["B"], s.axes) for s in cell.states]
    sizes = [f"params.{s.axes[0].argument}" for s in cell.states]
    return {
        "shapes": [(p.name, tuple_of([f'"{a}"' for a in p.axes])) for p in layout.parameters],
        "stacks": stacks(layout),
        "example": layout.parameters[0].name if layout.parameters else "",
        "initial": [
            (p.name, repr(float(cell.initial[p.name])))
            for p in layout.parameters
            if p.name in cell.initial
        ],
        "start": start(cell, "B"),
        "step_start": start(cell, f"{cell.input}.shape[0]"),
        "start_words": "; ".join(
            ["zero if None", *(f"{s} then starts at {v:g}" for s, v in cell.starts.items())]
        ),
        "states": list(zip([s.name for s in cell.states], lengths, strict=True)),
        "state_sizes": wrap("sizes = (", trailing(sizes), ")"),
    }


def start(cell: Cell, batch: str) -> list[str]:
    """The state before the first step, where it is not zero."""
    if not cell.starts:
        return []
    lines = [f"state.{s}[...] = {float(v)!r}" for s, v in cell.starts.items()]
    zeros = f'state = _check_state("state", None, {batch}, params)'
    return ["if state is None:", *(f"    {line}" for line in (zeros, *lines))]


def stacks(layout: Layout) -> list[str]:
    """The table of stacked parameters."""
    rows = [
        wrap(f'"{w.name}": (', [f'"{p}"' for p in w.parameters], "),", 8) for w in layout.weights
    ]
    return (
        ["STACKS = {", *(f"    {line}" for row in rows for line in row), "}"]
        if rows
        else ["STACKS = {}"]
    )


def trailing(items: list[str]) -> list[str]:
    """The items of a tuple; a single one with the comma that makes it one."""
    return [f"{items[0]},"] if len(items) == 1 else items
