"""What the site says of a cell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from derive.cell import Cell, Equation
from derive.compiler import generate
from derive.cost import predicted
from derive.display.about import inputs, paper, paragraphs, shape, starts
from derive.display.derivation import Textbook, textbook
from derive.display.diagram.arrange import arranged
from derive.display.diagram.backward import backward
from derive.display.diagram.draw import scene
from derive.display.diagram.graph import graph
from derive.display.diagram.route import Routes
from derive.display.diagram.svg import svg
from derive.display.mathml import MathML, Row
from derive.gradients.flow import Flow, flow
from derive.gradients.plot import SMALL, small_picture
from derive.nodes import CellError, symbols_of
from derive.printing import shortest
from derive.program.program import Program
from derive.site.brief import brief
from derive.site.code import source
from derive.site.story import Told, story


@dataclass(frozen=True)
class Facts:
    """A cell for the site, each part computed when a page asks for it."""

    cell: Cell

    @property
    def name(self) -> str:
        """The cell's name, which is its page's."""
        return self.cell.name

    @property
    def title(self) -> str:
        """The name for people."""
        return " ".join(self.cell.title.split())

    @property
    def family(self) -> str:
        """The family that the index shows it in."""
        return self.cell.family or "Your own"

    @cached_property
    def about(self) -> list[str]:
        """The author's remarks, paragraph by paragraph."""
        return paragraphs(self.cell.doc)

    @property
    def summary(self) -> str:
        """The first of them."""
        return self.about[0] if self.about else ""

    @property
    def paper(self) -> str:
        """The first work it cites: authors and year."""
        return paper(self.cell.doc)

    @property
    def year(self) -> str:
        """The year of that work."""
        found = re.search(r"\((\d{4})\)", self.paper)
        return found[1] if found else ""

    @property
    def states(self) -> list[str]:
        """The names of its states."""
        return [state.name for state in self.cell.states]

    @property
    def gates(self) -> list[str]:
        """The names of its gates."""
        return [gate.name.removesuffix("_next") for gate in self.cell.gates]

    @cached_property
    def program(self) -> Program:
        """All that follows from the equations."""
        return Program(self.cell)

    @cached_property
    def book(self) -> Textbook:
        """The derivation as a textbook has it."""
        return textbook(self.program.derivation)

    @cached_property
    def sections(self) -> list[tuple[str, str, list[Row]]]:
        """The equations and what was derived from them: a heading, a remark, and rows."""
        book, printer = self.book, MathML(self.book)

        def rows(equations: tuple[Equation, ...], total: str = "") -> list[Row]:
            return [printer.row(equation, total) for equation in equations]

        made = [
            ("One step", "", rows(book.forward)),
            (
                "Its adjoints",
                "A bar marks an adjoint, the derivative of the loss with respect to a quantity: "
                "(loss) what the loss itself gives for the output, (next) what the next step has "
                "handed back.",
                rows(book.adjoints),
            ),
            (
                "Handed back",
                f"To the step before, where it is (next), and to the {inputs(self.cell)}.",
                rows((*book.back, *book.inputs)),
            ),
            (
                "Gathered",
                "The parameters serve all steps and sequences: what they receive adds up.",
                rows(book.parameters, "<mo>∑</mo>"),
            ),
        ]
        return [part for part in made if part[2]]

    @cached_property
    def parts(self) -> dict[str, str]:
        """For each quantity, the one of the picture that it belongs to: a pre-activation to its
        layer."""
        drawn = {str(name) for node in graph(self.cell).nodes.values() for name in node.names}
        readers: dict[str, str] = {}
        for equation in self.program.derivation.forward:
            for quantity in symbols_of(equation.rhs):
                readers.setdefault(quantity.name, equation.lhs.name)
        found = {}
        for equation in self.program.derivation.forward:
            part = name = equation.lhs.name
            while part not in drawn:
                part = readers[part]
            found[name] = part
        return found

    @cached_property
    def routes(self) -> Routes:
        """How the cell is laid out on both of its pictures."""
        return arranged(self.cell)

    @cached_property
    def picture(self) -> str:
        """The cell drawn, as SVG."""
        return svg(scene(self.cell, self.routes))

    @cached_property
    def backward_picture(self) -> str:
        """Its adjoints, as SVG."""
        return svg(backward(self.cell, self.routes))

    @cached_property
    def followed(self) -> Flow | str:
        """What is left of its gradient, so many steps back; or why that cannot be followed from
        where the cell starts."""
        try:
            return flow(self.cell, SMALL)
        except CellError as error:
            return str(error)

    @cached_property
    def flow(self) -> str:
        """The same as SVG; "" where it cannot be followed."""
        return "" if isinstance(self.followed, str) else small_picture(self.followed)

    @cached_property
    def numpy(self) -> str:
        """The generated NumPy module."""
        (text,) = generate(self.cell).values()
        return text

    @property
    def source(self) -> str:
        """The cell as its author wrote it, without remarks."""
        return source(self.cell)

    @cached_property
    def story(self) -> list[Told]:
        """A step told in words."""
        return story(self.book)

    @cached_property
    def javascript(self) -> str:
        """The generated JavaScript module."""
        (text,) = generate(self.cell, "javascript").values()
        return text

    @cached_property
    def live(self) -> str:
        """The JavaScript module that hands out every value and every adjoint."""
        (text,) = generate(self.cell, "javascript", "everything").values()
        return text

    @property
    def brief(self) -> dict[str, Any]:
        """What the page's own script has to know of the cell."""
        return brief(self.cell)

    @property
    def costs(self) -> list[str]:
        """What a step costs, in sentences."""
        return predicted.summary(self.program)

    @property
    def parameter_count(self) -> str:
        """How many numbers the parameters are."""
        return predicted.text(predicted.parameters(self.program))

    @property
    def structure(self) -> list[tuple[str, list[str]]]:
        """What it consists of, by kind: what is remembered, what lets through, what is learnt."""
        kinds = [
            ("States", self.states),
            ("Gates", self.gates),
            ("Parameters", [q.name for q in self.cell.parameters]),
        ]
        return [(kind, found) for kind, found in kinds if found]

    @property
    def options(self) -> list[tuple[str, str, str]]:
        """What a person may set: name, value, and what it may be."""
        return [
            (s.name, str(s.value), " or ".join(s.choices) or "a number") for s in self.cell.options
        ]

    @property
    def quantities(self) -> list[tuple[str, str, str]]:
        """Inputs, states and parameters: name, shape, and value at first."""
        cell = self.cell
        outer = [(q.name, shape(q.axes), "given") for q in cell.inputs]
        outer += [(cell.number.name, "1", "the number of the step")] if cell.number else []
        outer += [
            (s.name, shape(s.axes), f"{shortest(cell.starts.get(s.name, 0))} before the first step")
            for s in cell.states
        ]
        return outer + [(p.name, shape(p.axes), starts(cell, p)) for p in cell.parameters]
