"""What the site says of a cell."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import sympy as sp
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from derive.cell import Cell, Equation
from derive.compiler import generate
from derive.cost import predicted
from derive.display.about import first_value, paper, paragraphs, shape
from derive.display.derivation import Textbook, textbook
from derive.display.diagram.backward import backward
from derive.display.diagram.draw import scene
from derive.display.diagram.graph import graph
from derive.display.diagram.roles import line_roles
from derive.display.diagram.svg import svg
from derive.display.formula import plain
from derive.display.mathml import MathML, Row
from derive.display.trace.steps import Teller
from derive.gradients.plot import small_picture
from derive.library import FOLDER, load, names
from derive.nodes import CellError, Quantity, symbols_of
from derive.program.program import Program


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
                "A bar marks the derivative of the loss by a quantity: (loss) what the loss itself "
                "gives for the output, (next) what the next step has handed back.",
                rows(book.adjoints),
            ),
            (
                "Handed back",
                "To the step before, where it is (next), and to the input.",
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
    def picture(self) -> str:
        """The cell drawn, as SVG."""
        return svg(scene(self.cell))

    @cached_property
    def backward_picture(self) -> str:
        """Its adjoints, as SVG."""
        return svg(backward(self.cell))

    @cached_property
    def flow(self) -> str:
        """What is left of a gradient, so many steps back, as SVG; "" for a cell whose gradient
        cannot be followed from where it starts."""
        try:
            return small_picture(self.cell, self.name)
        except CellError:
            return ""

    @cached_property
    def numpy(self) -> str:
        """The generated NumPy module."""
        (text,) = generate(self.cell).values()
        return text

    @cached_property
    def source(self) -> str:
        """The class statement as a person wrote it, without its remarks; "" for a cell that is not
        in the library."""
        if self.name not in names() or load(self.name).doc != self.cell.doc:
            return ""
        text = (FOLDER / f"{self.name}.py").read_text(encoding="utf-8")
        (statement,) = (n for n in ast.parse(text).body if isinstance(n, ast.ClassDef))
        lines = text.splitlines()
        body = lines[statement.body[1].lineno - 1 : statement.end_lineno]
        return "\n".join([lines[statement.lineno - 1], *body])

    @cached_property
    def story(self) -> list[tuple[str, list[tuple[Row, str]]]]:
        """A step told in words: for each part of it a heading, and its equations; a formula without
        a name comes with itself as nested lists, from which a page computes it."""
        printer = MathML(self.book)
        told = Teller(self.book, printer.terms).tell()
        return [
            (
                "".join(_said(word, printer) for word in step.heading),
                [
                    (printer.row(part.equation), "")
                    if part.part is None
                    else (printer.formula(part.part), json.dumps(tree(part.part)))
                    for part in step.parts
                ],
            )
            for step in told
        ]

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
        cell, lines = self.cell, line_roles(graph(self.cell))

        def axes(q: Quantity) -> list[str]:
            return [axis.letter for axis in q.axes]

        return {
            "name": cell.name,
            "input": {"name": cell.input.name, "axes": axes(cell.input)},
            "output": {"name": cell.output.name, "axes": axes(cell.output)},
            "states": [
                {
                    "name": s.name,
                    "axes": axes(s),
                    "start": cell.starts.get(s.name, 0.0),
                    "role": lines[f"enter {s}"],
                    "teaching": cell.starts.get(s.name, 1.0),
                }
                for s in cell.states
            ],
            "parameters": [
                {
                    "name": p.name,
                    "axes": axes(p),
                    "first": first_value(cell, p),
                    "teaching": self.teaching(p),
                }
                for p in cell.parameters
            ],
            "axes": [{"letter": a.letter, "argument": a.argument} for a in cell.axes],
            "updates": {state.name: new.name for state, new in cell.updates.items()},
            "gates": [gate.name for gate in cell.gates],
        }

    def teaching(self, parameter: Quantity) -> float:
        """The value of a parameter of one unit in the sources' worked example: 1 for the weights of
        the input, 2 for those of states, 0 for biases."""
        if len(parameter.axes) == 2:
            return 1.0 if parameter.axes[1:] == self.cell.input.axes else 2.0
        sums = {term for e in self.cell.equations for s in e.rhs.atoms(sp.Add) for term in s.args}
        return 0.0 if parameter in sums else first_value(self.cell, parameter) or 0.5

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
        """Input, states and parameters: name, shape, and value at first."""
        cell = self.cell
        outer = [(cell.input.name, shape(cell.input.axes), "given")]
        outer += [
            (s.name, shape(s.axes), f"{cell.starts.get(s.name, 0):g} before the first step")
            for s in cell.states
        ]
        values = ((p, first_value(cell, p)) for p in cell.parameters)
        return outer + [
            (p.name, shape(p.axes), "random" if value is None else f"{value:g}")
            for p, value in values
        ]


def _said(word: object, printer: MathML) -> str:
    """A word of a heading; a quantity as mathematics."""
    if isinstance(word, sp.Expr):
        return f"<math>{plain(printer(word))}</math>"
    return escape(str(word))


def tree(expr: sp.Expr) -> Any:
    """A formula as nested lists: numbers, names, and an operation with its parts."""
    if expr.is_Number:
        return float(expr)
    if expr.is_Symbol:
        return expr.name
    signs = {sp.Add: "+", sp.Mul: "*", sp.Pow: "^"}
    return [signs.get(type(expr), type(expr).__name__), *map(tree, expr.args)]


def highlighted(text: str, language: str) -> str:
    """Code as HTML, with classes for its words."""
    lexer = get_lexer_by_name(language)
    return highlight(text, lexer, HtmlFormatter(nowrap=True, classprefix="s-"))
