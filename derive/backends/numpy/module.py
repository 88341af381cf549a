"""A cell as a Python module that needs nothing but NumPy: what the template is filled with."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from derive import VERSION
from derive.backends.numpy.memory import Memory
from derive.backends.numpy.routine import parts, print_routine, stack_width
from derive.backends.numpy.text import WIDTH, broken, shape_of, tuple_of, unpack, wrap
from derive.backends.numpy.writers import InPlace, NumPyInfix, Plain, Writer
from derive.latex import latex_block
from derive.nodes import H, Quantity, axes_of, symbols_of
from derive.printing import Infix
from derive.program import cost
from derive.program.assemble import Routine
from derive.program.program import Program
from derive.render import macros, render

AXIS_WORDS = {"I": "I inputs", "H": "H hidden units"}


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    values = _Values(program).all()
    body = str(values)
    functions = [
        text for name, text in macros("numpy/functions.py.j2").items() if f"_{name}(" in body
    ]
    return {f"{program.cell.name}.py": render("numpy/module.py.j2", **values, functions=functions)}


class _Values:
    """Collects the template's values."""

    def __init__(self, program: Program):
        self.program, self.cell = program, program.cell
        self.dot, self.bar = program.passes.dot, program.adjoint.bar
        self.forward = Memory(program, program.forward, {self.cell.input: "xs"})
        homes = {self.forward.home(q) for q in program.passes.saved}
        self.saved_stacks = [s for s in program.forward.storage.stacks if homes & set(s.members)]

    def all(self) -> dict[str, object]:
        return {
            **self.words(),
            **self.sizes(),
            **self.parameters(),
            **self.tape(),
            **self.step(),
            **self.routines(),
        }

    # what is said

    def words(self) -> dict[str, object]:
        cell = self.cell
        title = in_docstring(" ".join(cell.title.split()))
        paragraph, _, rest = in_docstring(textwrap.dedent(cell.doc)).strip().partition("\n\n")
        summary = " ".join(paragraph.split())
        written = [f"{e.lhs} = {Infix().written_as(e)(e.rhs)}" for e in cell.equations]
        equations = [
            line
            for text in written
            for line in textwrap.wrap(text, WIDTH - 8, subsequent_indent="    ")
        ]
        values = ", ".join(f"{name} at {value:g}" for name, value in cell.initial.items())
        return {
            "summary": textwrap.wrap(f"{title}: {summary}" if summary else f"{title}.", WIDTH - 3),
            "doc": textwrap.dedent(rest).strip().splitlines(),
            "equations": equations,
            "axis_words": ", ".join(
                AXIS_WORDS.get(a.letter, f"{a.letter} ({a.argument})") for a in cell.axes
            ),
            "costs": cost.summary(self.program),
            "parameter_count": cost.text(cost.parameters(self.program)),
            "version": VERSION,
            "settings": " with " + ", ".join(map(str, cell.options)) if cell.options else "",
            "name": cell.name,
            "latex": latex_block(self.program.adjoint).strip(),
            "rest_starts": f"All else starts at 0, but {values}."
            if values
            else "All else starts at 0.",
        }

    def sizes(self) -> dict[str, object]:
        axes, cell = self.cell.axes, self.cell
        arguments = [a.argument for a in axes]
        return {
            "axes": axes,
            "size_arguments": ", ".join(arguments),
            "size_selves": ", ".join(f"self.{a}" for a in arguments),
            "size_dict": wrap("sizes = {", [f'"{a}": {a}' for a in arguments], "}", 8),
            "length_dict": "{" + ", ".join(f'"{a.letter}": self.{a.argument}' for a in axes) + "}",
            "state_shape": " or ".join(dict.fromkeys(shape_of(["B"], s.axes) for s in cell.states)),
            "input_shape": shape_of(["T", "B"], cell.input.axes),
            "step_input_shape": shape_of(["B"], cell.input.axes),
            "input_argument": cell.input.axes[0].argument,
            "size_checks": as_many_inputs_as_units() if cell.input.axes == (H,) else [],
            "output_shape": shape_of(["T", "B"], cell.output.axes),
            "step_output_shape": shape_of(["B"], cell.output.axes),
            "output_argument": cell.output.axes[0].argument,
            "state_arguments": [(s.name, s.axes[0].argument) for s in cell.states if s.axes],
        }

    # what lies where

    def parameters(self) -> dict[str, object]:
        cell, layout = self.cell, self.program.layout
        lengths = [shape_of(["B"], s.axes) for s in cell.states]
        sizes = [f"params.{s.axes[0].argument}" for s in cell.states]
        return {
            "shapes": [(p.name, tuple_of([f'"{a}"' for a in p.axes])) for p in layout.parameters],
            "stacks": self.stacks(),
            "example": layout.parameters[0].name if layout.parameters else "",
            "initial": [
                (p.name, repr(float(cell.initial[p.name])))
                for p in layout.parameters
                if p.name in cell.initial
            ],
            "states": list(zip([s.name for s in cell.states], lengths, strict=True)),
            "state_sizes": wrap("sizes = (", trailing(sizes), ")"),
        }

    def stacks(self) -> list[str]:
        """The table of stacked parameters."""
        rows = [
            wrap(f'"{w.name}": (', [f'"{p}"' for p in w.parameters], "),", 8)
            for w in self.program.layout.weights
        ]
        return (
            ["STACKS = {", *(f"    {line}" for row in rows for line in row), "}"]
            if rows
            else ["STACKS = {}"]
        )

    def tape(self) -> dict[str, object]:
        """Fields of the tape with their shapes: input, states, then what else backward reads."""
        fields = [("xs", shape_of(["T", "B"], self.cell.input.axes))]
        fields += [
            (f"{s}_s", tuple_of(["T + 1", "B", *map(str, s.axes)])) for s in self.cell.states
        ]
        fields += [(f"{s.name}_s", tuple_of(["T", "B", stack_width(s)])) for s in self.saved_stacks]
        alone = [q for q in self.program.passes.saved if not self.is_in_saved_stack(q)]
        fields += [(self.forward.sequence(q), shape_of(["T", "B"], q.axes)) for q in alone]
        names = [*(field for field, _ in fields), "past"]
        return {
            "tape": fields,
            "tape_made": wrap("tape = Tape(", names, ")"),
            "tape_read": unpack(names, "_check_tape(tape, params)"),
        }

    def is_in_saved_stack(self, q: Quantity) -> bool:
        return any(self.forward.home(q) in stack.members for stack in self.saved_stacks)

    def known(self) -> dict[Quantity, str]:
        """Where the other routines find what forward left."""
        given = {self.cell.input: "xs"}
        for s, new in self.cell.updates.items():
            given |= {s: f"{s}_s[:-1]", new: f"{s}_s[1:]"}
        return given | {
            q: self.forward.sequence(q) for q in self.program.passes.saved if q not in given
        }

    # what runs

    def routines(self) -> dict[str, object]:
        program, cell, dot, bar = self.program, self.cell, self.dot, self.bar
        seed, carry, known = program.adjoint.seed, program.adjoint.carry, self.known()
        forward, backward, jvp, (there, back) = (
            program.forward,
            program.backward,
            program.jvp,
            program.hvp,
        )
        along = known | {dot[cell.input]: "xs_dot"}
        there_memory = Memory(program, there, along)
        dots = {
            q: there_memory.sequence(q) for q in (*there.loop.wanted, *there.storage.trajectory)
        }
        seeds = {
            seed: "dys",
            dot[seed]: "dys_dot",
            bar[cell.input]: "dxs",
            dot[bar[cell.input]]: "dxs_dot",
        }
        starts = {s: f"state.{s}" for s in cell.states}
        starts |= {dot[s]: f"state_dot.{s}" for s in cell.states}
        starts |= {carry[s]: f"dstate.{s}" for s in cell.states}
        starts |= {dot[carry[s]]: f"dstate_dot.{s}" for s in cell.states}

        def printed(routine: Routine, given: dict[Quantity, str], writer: Writer) -> dict[str, Any]:
            return self.routine(Memory(program, routine, given), starts, writer)

        plain = Plain({q.name for q in (*cell.quantities, *dot, *dot.values())})
        there_blocks, back_blocks = (
            printed(there, along, plain),
            printed(back, along | dots | seeds, plain),
        )
        return {
            "forward": printed(forward, {cell.input: "xs"}, InPlace())
            | {"output": self.forward.sequence(cell.output)},
            "backward": printed(backward, known | seeds, InPlace()),
            "jvp": printed(jvp, along, plain)
            | {"output": Memory(program, jvp, along).sequence(dot[cell.output])},
            "there": there_blocks,
            "back": back_blocks
            | {"own_parameters": after(back_blocks["parameters"], there_blocks["parameters"])},
            "hvp_sizes": self.size_lines([*there_blocks.values(), *back_blocks.values()]),
        }

    def routine(
        self, memory: Memory, starts: dict[Quantity, str], writer: Writer
    ) -> dict[str, Any]:
        """A routine's blocks, the lines that start its carries, where its results are, and the
        views it needs."""
        blocks = asdict(print_routine(memory, writer))
        begin, results = [], []
        apart = dict(memory.routine.copies)
        for carry in memory.loop.carries:
            if carry.entering in memory.trajectories:
                begin.append(f"{carry.entering}_s[0] = {starts[carry.entering]}")
                results.append(f"{carry.entering}_s[-1].copy()")
            else:
                name = memory.name(carry.entering)
                begin.append(f"{name} = {starts[carry.entering]}.copy()")
                results.append(memory.name(apart.get(carry.leaving, carry.leaving)))
        states = len(self.cell.states)
        return blocks | {
            "begin": begin,
            "result": ", ".join(results[-states:]),
            "tape_parts": self.tape_parts(memory),
            "sizes": self.size_lines(blocks.values()),
        }

    def size_lines(self, blocks: Iterable[Iterable[str]]) -> list[str]:
        """Names for the sizes that occur in the lines."""
        used = {
            word for lines in blocks for line in lines for word in re.findall(r"\b[A-Z]\w*\b", line)
        }
        return [f"{a.letter} = params.{a.argument}" for a in self.cell.axes if a.letter in used]

    def tape_parts(self, memory: Memory) -> list[str]:
        """Names for the parts of the tape's stacks that the routine reads."""
        read = (
            set().union(*(symbols_of(e.rhs) for e in memory.loop.equations)) & memory.given.keys()
        )
        stacks = [
            s for s in self.saved_stacks if {self.forward.home(q) for q in read} & set(s.members)
        ]
        return [line for stack in stacks for line in parts(self.forward, stack, "_s")]

    # one step

    def step(self) -> dict[str, object]:
        cell = self.cell
        infix = NumPyInfix({}, lambda q: q.name)
        lines = []
        read: set[Quantity] = set()
        moving: set[Quantity] = {cell.input, *cell.states}
        for e in cell.equations:
            new = [p for p in cell.parameters if p in symbols_of(e.rhs) - read]
            read |= set(new)
            if new:
                values = ", ".join(f'params["{p}"]' for p in new)
                lines.append(f"{', '.join(map(str, new))} = {values}")
            text = infix.written_as(e)(e.rhs)
            varies = bool(symbols_of(e.rhs) & moving)
            moving |= {e.lhs} if varies else set()
            if e.lhs.axes and not (varies and axes_of(e.rhs)):
                text = f"_stretched({text}, {cell.input}, params.{e.lhs.axes[0].argument})"
                moving.add(e.lhs)
            lines += broken(f"{e.lhs} = {text}", 4)
        return {
            "step": lines,
            "step_sizes": self.size_lines([lines]),
            "step_input": cell.input.name,
            "step_states": unpack(
                [s.name for s in cell.states],
                f'_check_state("state", state, {cell.input}.shape[0], params)',
            ),
            "step_output": cell.output.name
            + (".copy()" if cell.output in cell.updates.values() else ""),
            "step_result": ", ".join(cell.updates[s].name for s in cell.states),
        }


def as_many_inputs_as_units() -> list[str]:
    """What a cell whose input has the size of its state demands."""
    return [
        "if input_size != hidden_size:",
        "    raise ValueError(",
        '        "this cell takes as many inputs as it has units: "',
        '        f"input_size {input_size} must be hidden_size {hidden_size}"',
        "    )",
    ]


def trailing(items: list[str]) -> list[str]:
    """The items of a tuple; a single one with the comma that makes it one."""
    return [f"{items[0]},"] if len(items) == 1 else items


def after(lines: list[str], earlier: list[str]) -> list[str]:
    """The lines that were not there earlier."""
    return [line for line in lines if line not in earlier]


def in_docstring(text: str) -> str:
    """A person's text as it may stand between triple quotes."""
    printable = "".join(c for c in text if c.isprintable() or c == "\n")
    return re.sub(r'"(?="")|"$', "'", printable.replace("\\", "\\\\").replace('""', "''"))
