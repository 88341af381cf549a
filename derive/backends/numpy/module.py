"""A cell as a Python module that needs nothing but NumPy: what the template is filled with."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from derive.backends.numpy.heading import sizes, words
from derive.backends.numpy.holdings import parameters
from derive.backends.numpy.memory import Memory
from derive.backends.numpy.routine import parts, print_routine, stack_width
from derive.backends.numpy.step import step
from derive.backends.numpy.text import shape_of, size_lines, tuple_of, unpack, wrap
from derive.backends.numpy.writers import InPlace, Plain, Writer
from derive.nodes import Quantity
from derive.program.assemble import Routine
from derive.program.loop import Loop
from derive.program.program import Program
from derive.render import macros, render


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
            **words(self.program),
            **sizes(self.cell),
            **parameters(self.program),
            **self.tape(),
            **step(self.cell),
            **self.routines(),
        }

    # what lies where

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
            "hvp_tape_parts": self.tape_parts(there.loop, back.loop),
            "hvp_sizes": size_lines(
                self.cell.axes, [*there_blocks.values(), *back_blocks.values()]
            ),
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
                all_steps = f"{carry.entering}_s"
                is_state = carry.entering in self.cell.states
                results.append(
                    f"_final({all_steps}, past)" if is_state else f"{all_steps}[-1].copy()"
                )
            else:
                name = memory.name(carry.entering)
                begin.append(f"{name} = {starts[carry.entering]}.copy()")
                results.append(memory.name(apart.get(carry.leaving, carry.leaving)))
        states, tape_parts = len(self.cell.states), self.tape_parts(memory.loop)
        return blocks | {
            "begin": begin,
            "result": ", ".join(results[-states:]),
            "state_made": wrap("state = State(", results[-states:], ")"),
            "tape_parts": tape_parts,
            "sizes": size_lines(self.cell.axes, [*blocks.values(), tape_parts]),
        }

    def tape_parts(self, *loops: Loop) -> list[str]:
        """Names for the parts of the tape's stacks that the loops read."""
        read = {q for loop in loops for q in loop.reads()}
        homes = {self.forward.home(q) for q in read & self.known().keys()}
        stacks = [stack for stack in self.saved_stacks if homes & set(stack.members)]
        return [line for stack in stacks for line in parts(self.forward, stack, "_s")]


def after(lines: list[str], earlier: list[str]) -> list[str]:
    """The lines that were not there earlier."""
    return [line for line in lines if line not in earlier]
