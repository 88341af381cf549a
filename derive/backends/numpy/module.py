"""A cell as a Python module that needs nothing but NumPy."""

from __future__ import annotations

import re
import textwrap
from dataclasses import asdict
from derive import VERSION

from derive.backends.numpy.routine import Blocks, NumPyInfix, RoutinePrinter, split
from derive.backends.numpy.text import WIDTH, length, shape_of, tuple_of, wrap
from derive.cell import Cell
from derive.latex import latex_block
from derive.nodes import Quantity, shape
from derive.printing import Infix, ranks
from derive.program.assemble import Routine
from derive.program.program import Program
from derive.render import environment, render

AXIS_WORDS = {"I": "I inputs", "H": "H hidden units"}


def files(program: Program) -> dict[str, str]:
    """The module's file name and text."""
    return {f"{program.cell.name}.py": module(program)}


def module(program: Program) -> str:
    """The text of the module."""
    text = render("numpy/module.py.j2", **_Module(program).values())
    return re.sub(r"\n{4,}", "\n\n\n", re.sub(r"[ \t]+\n", "\n", text)).rstrip() + "\n"


class _Module:
    """Collects what the template needs."""

    def __init__(self, program: Program):
        self.program, self.cell = program, program.cell
        self.dot, self.bar = program.passes.dot, program.adjoint.bar

    def values(self) -> dict[str, object]:
        return {**self.words(), **self.sizes(), **self.memory(), **self.step(), **self.routines(), "functions": self.functions}

    # what is said

    def words(self) -> dict[str, object]:
        cell = self.cell
        summary, _, rest = cell.doc.strip().partition("\n")
        infix = Infix()
        equations = [f"{e.lhs} = {infix.written_as(e)(e.rhs)}" for e in cell.equations]
        return {
            "summary": f"{cell.title}: {summary.strip()}" if summary else cell.title,
            "doc": textwrap.dedent(rest).strip().splitlines(),
            "equations": [line for e in equations for line in textwrap.wrap(e, WIDTH - 8, subsequent_indent="    ")],
            "axis_words": ", ".join(AXIS_WORDS.get(a.letter, f"{a.letter} ({a.argument})") for a in cell.axes),
            "costs": [],
            "version": VERSION,
            "name": cell.name,
            "source": "",
            "latex": latex_block(self.program.adjoint).strip(),
            "init_text": self.init_text(),
        }

    def init_text(self) -> str:
        given = ", ".join(f"{name} at {value:g}" for name, value in self.cell.initial.items())
        return f"All others start at 0, but {given}." if given else "All others start at 0."

    def sizes(self) -> dict[str, object]:
        axes = self.cell.axes
        arguments = [a.argument for a in axes]
        return {
            "axes": axes,
            "size_arguments": ", ".join(arguments),
            "size_selves": ", ".join(f"self.{a}" for a in arguments),
            "size_repr": ", ".join(f"{a}={{self.{a}}}" for a in arguments),
            "size_dict": "{" + ", ".join(f'"{a}": {a}' for a in arguments) + "}",
            "length_dict": "{" + ", ".join(f'"{a.letter}": self.{a.argument}' for a in axes) + "}",
            "sizes_from_params": ", ".join(a.letter for a in axes)
            + " = "
            + ", ".join(f"params.{a.argument}" for a in axes),
            "state_shape": " or ".join(dict.fromkeys(self.batch_shape(s) for s in self.cell.states)),
            "output_shape": shape_of(["T", "B"], self.cell.output.axes),
            "step_output_shape": self.batch_shape(self.cell.output),
            "output_axis": self.cell.output.axes[0].letter,
        }

    def batch_shape(self, quantity: Quantity) -> str:
        return shape_of(["B"], quantity.axes)

    # what lies where

    def memory(self) -> dict[str, object]:
        cell, layout = self.cell, self.program.layout
        states = [(s.name, self.batch_shape(s)) for s in cell.states]
        lengths = [tuple_of(["B", *(f"params.{a.argument}" for a in s.axes)]) for s in cell.states]
        return {
            "shapes": [(p.name, repr(tuple(a.letter for a in p.axes)).replace("'", '"')) for p in layout.parameters],
            "stacks": [
                {"name": w.name, "members": tuple_of([f'"{p}"' for p in w.parameters])} for w in layout.weights
            ],
            "example": layout.parameters[0].name,
            "initial": [(p.name, repr(cell.initial[p.name])) for p in layout.parameters if p.name in cell.initial],
            "states": states,
            "state_names": ", ".join(name for name, _ in states),
            "state_shapes": ", ".join(lengths) + ("," if len(lengths) == 1 else ""),
            "zero_state": ", ".join(f"np.zeros({shape}, params.flat.dtype)" for shape in lengths),
            "tape": self.tape(),
            "tape_fields": ", ".join([*(field for field, _ in self.tape()), "ended_s"]),
            "tape_unpack": ", ".join([*(field for field, _ in self.tape()), "ended_s"]) + " = tape",
            "tape_views": [
                line for stack in self.saved_stacks() for line in self.forward_printer.parts(stack)
            ],
        }

    def tape(self) -> list[tuple[str, str]]:
        """Fields of the tape and their shapes: input, states, then what else backward reads."""
        fields = [("xs", "(T, B, I)")]
        fields += [(f"{s}_s", tuple_of(["T + 1", "B", *map(str, s.axes)])) for s in self.cell.states]
        stacks = self.saved_stacks()
        fields += [(f"{s.name}_s", tuple_of(["T", "B", length(a for q in s.members for a in q.axes)])) for s in stacks]
        for q in self.program.passes.saved:
            if not any(self.forward_printer.home(q) in s.members for s in stacks):
                fields.append((self.forward_printer.sequence(q), shape_of(["T", "B"], q.axes)))
        return fields

    def saved_stacks(self) -> list:
        homes = {self.forward_printer.home(q) for q in self.program.passes.saved}
        return [s for s in self.program.forward.storage.stacks if homes & set(s.members)]

    # what runs

    @property
    def forward_printer(self) -> RoutinePrinter:
        return self.printer(self.program.forward, {self.cell.input: "xs"})

    def printer(self, routine: Routine, given: dict[Quantity, str], stacks=()) -> RoutinePrinter:
        p = self.program
        return RoutinePrinter(routine, p.layout, p.names, p.rank, given, tuple(stacks))

    def known(self) -> dict[Quantity, str]:
        """Where the results of forward are found by the other routines."""
        given = {self.cell.input: "xs"}
        for s, new in self.cell.updates.items():
            given |= {s: f"{s}_s[:-1]", new: f"{s}_s[1:]"}
        return given | {q: self.forward_printer.sequence(q) for q in self.program.passes.saved if q not in given}

    def known_dots(self) -> dict[Quantity, str]:
        """Where hvp's way there leaves tangents for its way back."""
        there = self.printer(self.program.hvp[0], self.known())
        return {q: there.sequence(q) for q in (*there.loop.wanted, *there.storage.trajectory)}

    def routines(self) -> dict[str, object]:
        program, cell, dot, bar = self.program, self.cell, self.dot, self.bar
        seed, known = program.adjoint.seed, self.known()
        dots = known | {dot[cell.input]: "xs_dot"}
        adjoints = known | {seed: "dys", bar[cell.input]: "dxs"}
        back = dots | self.known_dots() | {seed: "dys", dot[seed]: "dys_dot", dot[bar[cell.input]]: "dxs_dot"}
        forward = self.forward_printer
        jvp = self.printer(program.jvp, dots)
        carry = program.adjoint.carry
        adjoint_starts = {carry[s]: f"dstate.{s}" for s in cell.states}
        tangent_starts = {dot[s]: f"state_dot.{s}" for s in cell.states}
        both = adjoint_starts | {dot[carry[s]]: f"dstate_dot.{s}" for s in cell.states}
        return {
            "forward": asdict(forward.blocks()),
            "output": forward.sequence(cell.output),
            "final_state": ", ".join(f"{s}_s[-1].copy()" for s in cell.states),
            "backward": self.routine(self.printer(program.backward, adjoints), adjoint_starts, [bar[s] for s in cell.states]),
            "jvp": self.routine(jvp, tangent_starts, [dot[cell.updates[s]] for s in cell.states])
            | {"output": jvp.sequence(dot[cell.output])},
            "there": self.routine(self.printer(program.hvp[0], dots), tangent_starts, []),
            "back": self.routine(self.printer(program.hvp[1], back), both, [dot[bar[s]] for s in cell.states]),
        }

    def routine(self, printer: RoutinePrinter, starts: dict[Quantity, str], ends: list[Quantity]) -> dict[str, object]:
        """A routine's blocks, the lines that start its carries, and where its results are."""
        blocks: Blocks = printer.blocks()
        trajectory = printer.storage.trajectory
        carries = []
        for carry in printer.loop.carries:
            if carry.entering in trajectory:
                carries.append(f"{carry.entering}_s[0] = {starts[carry.entering]}")
            else:
                printer.all_steps = False
                carries.append(f"{printer.step(carry.entering)} = {starts[carry.entering]}.copy()")
        apart = {leaving: entering for leaving, entering in printer.routine.copies}
        results = []
        for end in ends:
            entering = next(c.entering for c in printer.loop.carries if c.leaving == end)
            if entering in trajectory:
                results.append(f"{entering}_s[-1].copy()")
            else:
                printer.all_steps = False
                results.append(printer.step(apart.get(end, end)))
        return asdict(blocks) | {"carries": carries, "result": ", ".join(results)}

    # one step

    def step(self) -> dict[str, object]:
        cell = self.cell
        infix = NumPyInfix(ranks([]), lambda q: q.name)
        body = []
        for e in cell.equations:
            text = infix.written_as(e)(e.rhs)
            body += self.broken(f"{e.lhs} = ", text)
        return {
            "step": {"parameters": self.step_parameters(), "body": body},
            "step_input": cell.input.name,
            "step_states": ", ".join(s.name for s in cell.states) + ("," if len(cell.states) == 1 else ""),
            "step_output": cell.output.name,
            "step_result": ", ".join(cell.updates[s].name for s in cell.states),
        }

    def step_parameters(self) -> list[str]:
        lines = []
        for w in self.groups():
            names = [p.name for p in w]
            lines += wrap("", [*names[:-1], f"{names[-1]} = (params[k] for k in {tuple_of([repr(n) for n in names])})"], "")
        return [f'{p} = params["{p}"]' for p in self.cell.parameters]

    def groups(self):
        return []

    def broken(self, before: str, text: str) -> list[str]:
        """An equation on one line, or broken after its signs."""
        if len(before) + len(text) + 4 <= WIDTH:
            return [before + text]
        return [f"{before}(", *(f"    {line}" for line in textwrap.wrap(text, WIDTH - 8)), ")"]

    @property
    def functions(self) -> list[str]:
        """The helpers that the module uses, in alphabetical order."""
        source = environment().get_template("numpy/functions.py.j2").module
        text = render("numpy/module.py.j2", **{**self.words(), **self.sizes(), **self.memory(), **self.step(), **self.routines(), "functions": []})
        return [str(getattr(source, name)()).strip() for name in FUNCTIONS if f"_{name}(" in text]


FUNCTIONS = ("absolute", "heaviside", "relu", "sigmoid", "sign", "softplus", "step")
__all__ = ["Cell", "files", "module", "shape", "split"]
