"""A routine as NumPy: allocation, all steps before the loop, the loop, all steps after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import singledispatchmethod

from derive.backends.numpy.lowering import Lowering
from derive.backends.numpy.text import WIDTH, length, shape_of, tuple_of, wrap
from derive.cell import Equation
from derive.nodes import Axes, FeatureSum, MatVec, Node, Quantity, Size
from derive.printing import Infix
from derive.program.assemble import Names, Routine
from derive.program.layout import Layout, Stack
from derive.program.statements import (
    Activate,
    AddStack,
    Compute,
    OuterTotal,
    Product,
    PullBack,
    Statement,
    Total,
)

# How the parameters of each holder are called: the parameters themselves, a direction, and the gradients.
HOLDERS = {"params": "{}", "params_dot": "{}_dot", "dparams": "d{}", "dparams_dot": "d{}_dot"}


class NumPyInfix(Infix):
    """Expressions as NumPy writes them, on the arrays that hold the quantities."""

    def __init__(self, rank: Mapping[str, int], place):
        super().__init__(rank)
        self.place = place

    def symbol(self, symbol):
        return symbol.axis.letter if isinstance(symbol, Size) else self.place(symbol)

    def matvec(self, matrix, vector):
        return f"{self.print(vector, 3)} @ {self.print(matrix, 3)}.T".replace(".T.T", "")

    def feature_sum(self, vector):
        return f"np.sum({self(vector)}, axis=-1, keepdims=True)"

    def function(self, expr):
        name = expr.func.__name__
        prefix = "np." if name in ("tanh", "exp", "log", "sqrt", "sin", "cos", "maximum") else "_"
        return f"{prefix}{name}({', '.join(map(self, expr.args))})"


@dataclass(frozen=True)
class Blocks:
    """A routine's lines, block by block; the template puts them into a function."""

    parameters: list[str]
    arrays: list[str]
    before: list[str]
    scratch: list[str]
    loop: list[str]
    body: list[str]
    held: list[str]
    ended: list[str]
    after: list[str]


class RoutinePrinter:
    """Prints one routine.

    given  the arrays that hold what is known: for each quantity, its name for all steps
    """

    def __init__(self, routine: Routine, layout: Layout, names: Names, rank: Mapping[str, int],
                 given: Mapping[Quantity, str], stacks: tuple[Stack, ...] = ()):  # fmt: skip
        self.routine, self.layout, self.names, self.rank = routine, layout, names, rank
        self.loop, self.storage = routine.loop, routine.storage
        self.given = given
        self.stacks = (*self.storage.stacks, *stacks)
        self.equations = {e.lhs: e for e in self.loop.equations}
        self.label = self._labels()
        self.slot = {q: (s, k) for s in self.stacks for k, q in enumerate(s.members)}
        self.carried = {c.entering for c in self.loop.carries} | {c.leaving for c in self.loop.carries}
        self.stack_of = {p: w for w in layout.weights for p in w.parameters}
        self.weights: dict[str, str] = {}
        self.scratch: dict[str, str] = {}
        self.views: dict[str, str] = {}
        self.all_steps = True

    def _labels(self) -> dict[Quantity, str]:
        """A place is called after the last quantity that lies in it."""
        label = {}
        for equation in self.loop.equations:
            label[self.storage.home.get(equation.lhs, equation.lhs)] = equation.lhs.name
        return label

    # names

    def home(self, q: Quantity) -> Quantity:
        return self.storage.home.get(q, q)

    def sequence(self, q: Quantity) -> str:
        """The array that holds all steps of a quantity."""
        if q in self.given:
            return self.given[q]
        for entering, leaving in self.storage.trajectory.items():
            if q in (entering, leaving):
                return f"{entering}_s[{':-1' if q == entering else '1:'}]"
        return f"{self.label[self.home(q)]}_s"

    def place(self, q: Quantity) -> str:
        """The array that holds a quantity, in the phase that is being printed."""
        if q in self.names.parameters:
            return self.parameter(q)
        if q in self.storage.constants:
            return q.name
        return self.sequence(q) if self.all_steps else self.step(q)

    def step(self, q: Quantity) -> str:
        """One step of a quantity: a view into all of them, or the array that is used at every step."""
        if q in self.given or q in {s for pair in self.storage.trajectory.items() for s in pair}:
            return self.view(q.name, self.sequence(q))
        label = self.label.get(self.home(q), self.home(q).name)
        if self.storage.is_sequence(q):
            return self.view(label, f"{label}_s")
        if self.home(q) not in self.carried:
            self.scratch.setdefault(label, f"{label} = np.empty({shape_of(['B'], q.axes)}, dtype)")
        return label

    def view(self, name: str, array: str) -> str:
        self.views.setdefault(name, array)
        return name

    def parameter(self, q: Quantity) -> str:
        """A parameter, a gradient or a direction, by itself."""
        holder, parameter = self.names.parameters[q]
        self.weights.setdefault(q.name, f'{q.name} = {holder}["{parameter}"]')
        return q.name

    def weight(self, parameters: tuple[Quantity, ...]) -> str:
        """Parameters stacked, or the one there is."""
        holder, first = self.names.parameters[parameters[0]]
        if len(parameters) == 1:
            return self.parameter(parameters[0])
        stack = self.stack_of[first]
        name = HOLDERS[holder].format(stack.name)
        self.weights.setdefault(name, f'{name} = {holder}.stacked["{stack.name}"]')
        return name

    def run(self, quantities: tuple[Quantity, ...]) -> str:
        """Neighbours in a stack, as one array."""
        if len(quantities) == 1:
            return self.place(quantities[0])
        stack, start = self.slot[self.home(quantities[0])]
        if len(quantities) == len(stack.members):
            return self.stack_array(stack)
        name = "_".join(self.label.get(self.home(q), q.name) for q in quantities)
        before, own = [a for q in stack.members[:start] for a in q.axes], [a for q in quantities for a in q.axes]
        low, high = length(before), length([*before, *own])
        if start + len(quantities) == len(stack.members):
            high = ""
        if not self.all_steps and not self.storage.is_sequence(stack.members[0]):
            self.scratch.setdefault(name, f"{name} = {stack.name}[:, {slice_text(low, high)}]")
            return name
        part = f"{stack.name}_s[..., {slice_text(low, high)}]"
        return part if self.all_steps else self.view(name, part)

    def stack_array(self, stack: Stack) -> str:
        if self.all_steps:
            return f"{stack.name}_s"
        if self.storage.is_sequence(stack.members[0]):
            return self.view(stack.name, f"{stack.name}_s")
        return stack.name

    def borrow(self, name: str, axes: Axes | str) -> str:
        """A scratch array of one step, or of all."""
        if self.all_steps:
            name = f"{name}_s"
        leading = ["T", "B"] if self.all_steps else ["B"]
        size = tuple_of([*leading, axes]) if isinstance(axes, str) else shape_of(leading, axes)
        self.scratch.setdefault(name, f"{name} = np.empty({size}, dtype)")
        return name

    def work(self, axes: Axes, number: int) -> str:
        suffix = "".join(axis.letter for axis in axes if axis.letter != "H") or ("" if axes else "1")
        return self.borrow(f"work{'_' * bool(suffix)}{suffix}{number if number > 1 else ''}", axes)

    def infix(self, equation: Equation | None = None) -> Infix:
        printer = NumPyInfix(self.rank, self.place)
        return printer.written_as(equation) if equation else printer

    # blocks

    def blocks(self) -> Blocks:
        """The routine's lines."""
        before = self.phase(self.routine.before)
        all_scratch, self.scratch = self.scratch, {}
        self.all_steps = False
        body = self.phase(self.routine.during)
        body += [f"np.copyto({self.step(c)}, {self.step(q)})" for q, c in self.routine.copies]
        held, ended = self.hold_before(), self.hold_ended()
        step_scratch, self.scratch = list(self.scratch.values()), {}
        transposed = [line for line in self.weights.values() if "ascontiguousarray" in line]
        views = dict(self.views)
        self.all_steps = True
        after = self.phase(self.routine.after)
        late_scratch = [line for name, line in self.scratch.items() if name not in all_scratch]
        plain = [line for line in self.weights.values() if line not in transposed]
        return Blocks(
            parameters=plain + transposed,
            arrays=[*self.arrays(), *all_scratch.values()],
            before=before,
            scratch=[*self.step_stacks(), *step_scratch],
            loop=self.header(views),
            body=body,
            held=held,
            ended=ended,
            after=late_scratch + after,
        )

    def phase(self, statements: Iterable[Statement]) -> list[str]:
        return [line for statement in statements for line in self.print(statement)]

    def arrays(self) -> list[str]:
        """Allocation of what is kept for all steps, and the names of its parts."""
        lines = []
        for entering in self.storage.trajectory:
            lines.append(f"{entering}_s = np.empty({tuple_of(['T + 1', 'B', *map(str, entering.axes)])}, dtype)")
        for stack in self.storage.stacks:
            if self.storage.is_sequence(stack.members[0]):
                width = length(a for q in stack.members for a in q.axes)
                lines.append(f"{stack.name}_s = np.empty({tuple_of(['T', 'B', width])}, dtype)")
                lines += self.parts(stack)
        apart = {q for pair in self.storage.trajectory.items() for q in pair} | self.slot.keys()
        for q in sorted(self.storage.sequences - apart, key=lambda q: list(self.label).index(q)):
            lines.append(f"{self.sequence(q)} = np.empty({shape_of(['T', 'B'], q.axes)}, dtype)")
        return lines

    def parts(self, stack: Stack, suffix: str = "_s") -> list[str]:
        """The members of a stack, as views into it."""
        names = [self.label.get(q, q.name) + suffix for q in stack.members]
        return wrap("", [*names[:-1], f"{names[-1]} = {split(stack, suffix)}"], "")

    def step_stacks(self) -> list[str]:
        """Stacks of which only one step is kept."""
        lines = []
        for stack in self.storage.stacks:
            if not self.storage.is_sequence(stack.members[0]):
                width = length(a for q in stack.members for a in q.axes)
                lines += [f"{stack.name} = np.empty({tuple_of(['B', width])}, dtype)", *self.parts(stack, "")]
                for q in stack.members:
                    self.scratch.pop(self.label[q], None)
        return lines

    def header(self, views: Mapping[str, str]) -> list[str]:
        """The loop over time, each step with its views."""
        names, arrays = [*views, "ended"], [*views.values(), "ended_s"]
        if self.loop.reverse:
            arrays = [f"{array}[::-1]" for array in arrays]
        steps = wrap("steps = zip(", [*arrays, "strict=True"], ")")
        line = f"for {', '.join(names)} in steps:"
        if len(line) + 4 > WIDTH:
            return [*steps, *wrap("for (", names, ") in steps:")]
        return [*steps, line]

    def hold_ended(self) -> list[str]:
        """What keeps a sequence that has ended as it is: the state goes through, and nothing is learnt from it."""
        lines = []
        if self.loop.reverse:
            read_late = {s for e in self.loop.after for s in e.rhs.atoms(Quantity)}
            during = [e.lhs for e in self.loop.during if e.lhs in read_late | self.loop.wanted]
            lines = [f"np.copyto({name}, 0, where=ended)" for name in dict.fromkeys(map(self.whole, during))]
        for carry in self.loop.carries:
            old, new = self.step(carry.entering), self.step(carry.leaving)
            if carry.entering in self.storage.trajectory:
                lines.append(f"np.copyto({new}, {old}, where=ended)")
            else:
                lines.append(f"np.copyto({old}, {old}_before, where=ended)")
        return lines

    def hold_before(self) -> list[str]:
        """Copies of what a step writes over, for the sequences that have ended."""
        names = [self.step(c.entering) for c in self.loop.carries if c.entering not in self.storage.trajectory]
        return [f"{name}_before = {name}.copy()" for name in names]

    def whole(self, q: Quantity) -> str:
        slot = self.slot.get(self.home(q))
        return self.stack_array(slot[0]) if slot else self.step(q)

    # statements

    @singledispatchmethod
    def print(self, statement: Statement) -> list[str]:
        """The lines of one statement."""
        raise TypeError(f"no NumPy for {type(statement).__name__}")

    @print.register
    def _(self, s: Compute) -> list[str]:
        (q,) = s.outs
        equation = self.equations[q]
        infix = self.infix(equation)
        if q in self.storage.constants:
            return [f"{q} = {infix(s.expr)}"]
        if s.expr == 0:
            return [f"{self.place(q)}.fill(0)"]
        if any(not isinstance(n, FeatureSum) for n in s.expr.atoms(Node)):
            return [f"{self.place(q)} {'+=' if s.adds else '='} {infix(s.expr)}"]
        lowering = Lowering(self.place, self.work)
        lines = (lowering.add if s.adds else lowering.assign)(q, s.expr, infix)
        return [*self.comment(q, s, equation, lines), *lines]

    def comment(self, q: Quantity, s: Compute, equation: Equation, lines: list[str]) -> list[str]:
        """The equation, where the calls do not already say it in its own words."""
        text = f"{q} {'+=' if s.adds else '='} {Infix(self.rank).written_as(equation)(s.expr)}"
        spelled = all(self.step_name(p) == p.name for p in (q, *s.expr.atoms(Quantity)))
        return [f"# {text}"] if len(lines) > 1 or not spelled else []

    def step_name(self, q: Quantity) -> str:
        return q.name if q in self.names.parameters else self.label.get(self.home(q), q.name)

    @print.register
    def _(self, s: Product) -> list[str]:
        out, operand = self.run(s.outs), s.operand
        weight = self.weight(s.matrices)
        if operand in self.names.parameters or operand in self.storage.constants:
            return self.put(out, f"{weight} @ {self.place(operand)}", s.adds)
        if self.all_steps:
            return self.product_of_all(out, f"_rows({self.sequence(operand)})", f"{weight}.T", s.adds)
        transposed = f"{weight}_T"
        self.weights.setdefault(transposed, f"{transposed} = np.ascontiguousarray({weight}.T)")
        return self.product_of_one(s, out, operand, transposed, f"{weight}_{operand}")

    @print.register
    def _(self, s: PullBack) -> list[str]:
        out, operands = self.place(s.outs[0]), self.run(s.operands)
        weight = self.weight(s.matrices)
        if self.all_steps:
            return self.product_of_all(out, f"_rows({operands})", weight, s.adds)
        return self.product_of_one(s, out, operands, weight, f"{weight}_{operands}")

    def product_of_all(self, out: str, rows: str, weight: str, adds: bool) -> list[str]:
        if adds:
            return [f"_rows({out})[...] += {rows} @ {weight}"]
        return [f"np.matmul({rows}, {weight}, out=_rows({out}))"]

    def product_of_one(self, s: Product | PullBack, out: str, operand, weight: str, name: str) -> list[str]:
        """A product within the loop, into its place or, where that is not free or not contiguous, by way of scratch."""
        vector = operand if isinstance(operand, str) else self.step(operand)
        stack, _ = self.slot.get(self.home(s.outs[0]), (None, 0))
        contiguous = stack is None or len(s.outs) == len(stack.members)
        if contiguous and not s.adds and vector != out:
            return [f"np.dot({vector}, {weight}, out={out})"]
        scratch = self.borrow(name, length(a for q in s.outs for a in q.axes))
        line = f"np.add({out}, {scratch}, out={out})" if s.adds else f"np.copyto({out}, {scratch})"
        return [f"np.dot({vector}, {weight}, out={scratch})", line]

    def put(self, out: str, value: str, adds: bool) -> list[str]:
        return [f"np.add({out}, {value}, out={out})" if adds else f"np.copyto({out}, {value})"]

    @print.register
    def _(self, s: AddStack) -> list[str]:
        out = self.run(s.outs)
        return self.put(out, self.weight(s.vectors), s.adds)

    @print.register
    def _(self, s: Activate) -> list[str]:
        squashed = tuple(o for o, f in zip(s.outs, s.functions, strict=True) if f == "sigmoid")
        functions = dict(zip(s.outs, s.functions, strict=True))
        names = {f: [str(q) for q in s.outs if functions[q] == f] for f in dict.fromkeys(s.functions)}
        says = "; ".join(f"{', '.join(own)} = {f} of {'its' if len(own) == 1 else 'their'} pre-activation{'s' * (len(own) > 1)}"
                         for f, own in names.items())  # fmt: skip
        whole = self.run(s.outs)
        tanh = f"np.tanh({whole}, out={whole})"
        if not squashed:
            return [tanh]
        part = self.run(squashed)
        half = f"np.multiply({part}, 0.5, out={part})"
        return [f"# {says}", half, tanh, half, f"np.add({part}, 0.5, out={part})"]

    @print.register
    def _(self, s: OuterTotal) -> list[str]:
        gradient, lefts = self.weight(s.outs), self.run(s.lefts)
        if s.right in self.names.parameters or s.right in self.storage.constants:
            product = f"np.outer(np.sum({lefts}, axis=(0, 1)), {self.place(s.right)})"
            return [f"{gradient}[...] {'+=' if s.adds else '='} {product}"]
        rows = f"_rows({lefts}).T", f"_rows({self.sequence(s.right)})"
        if s.adds:
            return [f"{gradient} += {rows[0]} @ {rows[1]}"]
        return [f"np.matmul({rows[0]}, {rows[1]}, out={gradient})"]

    @print.register
    def _(self, s: Total) -> list[str]:
        gradient = self.weight(s.outs)
        if len(s.terms) > 1:
            return [f"np.sum({self.run(s.terms)}, axis=(0, 1), out={gradient})"]
        (q,) = s.outs
        value = self.infix()(s.terms[0])
        if not q.axes:
            return [f"{gradient}[...] = np.sum({value})"]
        return [f"{gradient}[...] = np.sum({value}, axis=(0, 1))"]


def split(stack: Stack, suffix: str) -> str:
    """The call that cuts a stack into its members."""
    widths = [length(q.axes) for q in stack.members]
    if len(set(widths)) == 1:
        where = str(len(widths))
    else:
        ends = [length(a for q in stack.members[:n] for a in q.axes) for n in range(1, len(widths))]
        where = tuple_of(ends)
    return f"np.split({stack.name}{suffix}, {where}, axis=-1)"


def slice_text(low: str, high: str) -> str:
    """A slice as a formatter spaces it."""
    if not low:
        return f": {high}" if " " in high else f":{high}"
    simple = " " not in low and " " not in high
    return f"{low}:{high}" if simple else f"{low} : {high}".rstrip()


__all__ = ["Blocks", "MatVec", "RoutinePrinter"]
