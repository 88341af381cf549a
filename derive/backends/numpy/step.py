"""One step of a cell, for streaming: its equations, without a plan for memory."""

from __future__ import annotations

from derive.backends.numpy.text import broken, size_lines, unpack
from derive.backends.numpy.writers import NumPyInfix
from derive.cell import Cell
from derive.nodes import Quantity, axes_of, symbols_of


def step(cell: Cell) -> dict[str, object]:
    """The equations once more, for one step alone, each on a line as they were written."""
    infix = NumPyInfix({}, lambda q: q.name)
    lines = []
    read: set[Quantity] = set()
    moving: set[Quantity] = {cell.input, *cell.states}
    for e in cell.equations:
        new = [p for p in cell.parameters if p in symbols_of(e.rhs) - read]
        read |= set(new)
        for few in (new[k : k + 3] for k in range(0, len(new), 3)):
            values = ", ".join(f'params["{p}"]' for p in few)
            lines.append(f"{', '.join(map(str, few))} = {values}")
        text = infix.written_as(e)(e.rhs)
        varies = bool(symbols_of(e.rhs) & moving)
        moving |= {e.lhs} if varies else set()
        if e.lhs.axes and not (varies and axes_of(e.rhs)):
            text = f"_stretched({text}, {cell.input}, params.{e.lhs.axes[0].argument})"
            moving.add(e.lhs)
        elif not symbols_of(e.rhs):
            text = f"np.array({text}, dtype)"  # so that it has a dtype, as all that is computed
        if isinstance(e.rhs, Quantity):
            text += ".copy()"  # not a second name for what the caller gave
        lines += broken(f"{e.lhs} = {text}", 4)
    return {
        "step": lines,
        "step_sizes": size_lines(cell.axes, [lines]),
        "step_input": cell.input.name,
        "step_states": unpack(
            [s.name for s in cell.states],
            f'_check_state("state", state, {cell.input}.shape[0], params)',
        ),
        "step_output": cell.output.name
        + (".copy()" if cell.output in cell.updates.values() else ""),
        "step_result": ", ".join(cell.updates[s].name for s in cell.states),
    }
