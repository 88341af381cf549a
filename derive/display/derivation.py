"""A derivation as a textbook shows it: what `derive latex` and `derive show` have in common.

The normal form names every intermediate value, because generated code needs a name for each. A
textbook does not: it has ``h = o ∘ tanh(c)``, not ``t = tanh(c)`` and ``h = o ∘ t``. So short
values that only the normal form has named are replaced by their definitions; pre-activations keep
their names. The remaining forward equations have one adjoint equation each, in the order of
evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import sympy as sp

from derive.adjoint import Adjoint
from derive.cell import Cell, Equation
from derive.deviation import Composed
from derive.elementwise import Elementwise, maximum, relu, step
from derive.names import ranks
from derive.nodes import FeatureSum, MatVec, Node, Outer, Quantity, Transposed, axes_of


@dataclass(frozen=True)
class Name:
    """The parts of a quantity's name.

    word  as the person wrote it, without the ``_next`` of a state's new value
    step  when it is computed: "" for what serves all steps, "t", or "t-1" for an old state
    new   whether it is a state's new value
    bar   whether it is an adjoint
    part  of an adjoint, what the "loss" or the "next" step gives, or what goes "back" to the last
    """

    word: str
    step: str = ""
    new: bool = False
    bar: bool = False
    part: str = ""


@dataclass(frozen=True)
class Textbook:
    """A cell's equations and their adjoints, each group in the order of evaluation.

    forward     the equations
    adjoints    one for each of them
    back        the adjoint of each old state, for the step before
    inputs      the adjoint of each input
    parameters  what one step adds to the adjoint of each parameter
    names       what stands behind each name that occurs
    rank        the order of terms and factors
    members     for what stands for several of one form, the members that its last letter stands for
    """

    cell: Cell
    forward: tuple[Equation, ...]
    adjoints: tuple[Equation, ...]
    back: tuple[Equation, ...]
    inputs: tuple[Equation, ...]
    parameters: tuple[Equation, ...]
    names: Mapping[str, Name]
    rank: Mapping[str, int]
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """Everything that is shown."""
        return (*self.forward, *self.adjoints, *self.back, *self.inputs, *self.parameters)

    @property
    def functions(self) -> set[str]:
        """The elementwise functions that occur, by name."""
        return {f.func.__name__ for e in self.equations for f in e.rhs.atoms(Elementwise)}

    @property
    def scalars(self) -> tuple[Quantity, ...]:
        """The scalars, of which there is one for each sequence or one for all."""
        quantities = (*self.cell.given, *self.cell.parameters, *(e.lhs for e in self.forward))
        return tuple(q for q in quantities if not q.axes)


def textbook(adjoint: Adjoint) -> Textbook:
    """Choose which quantities are replaced by their definitions, and group the remaining ones."""
    cell, bar = adjoint.cell, adjoint.bar
    everything, helpers = (*adjoint.forward, *adjoint.backward), _helpers(adjoint)
    hidden = _hidden(adjoint)
    try:
        left = tuple(_inlined(everything, {*hidden, *(bar[q] for q in hidden), *helpers}))
    except ValueError:  # without names a scalar and a vector would look alike
        left = tuple(_inlined(everything, helpers))
    shown = {e.lhs: replace(e, rhs=readable(e.rhs)) for e in left}
    equations = [e.lhs for e in adjoint.forward if e.lhs in shown]
    return Textbook(
        cell=cell,
        forward=tuple(shown[q] for q in equations),
        adjoints=tuple(shown.get(bar[q], Equation(bar[q], sp.S.Zero)) for q in equations[::-1]),
        back=tuple(shown[bar[q]] for q in cell.states),
        inputs=tuple(shown[bar[q]] for q in cell.inputs),
        parameters=tuple(shown[bar[q]] for q in cell.trained),
        names=_names(adjoint),
        rank=_ranks(adjoint),
    )


def _inlined(equations: Iterable[Equation], hidden: set[Quantity]) -> Iterator[Equation]:
    """The equations that are not hidden, with the definitions of those that are put in.

    Raises ValueError where a scalar would take the place of a vector: a sum over the features of a
    vector whose entries are all alike would no longer say how many features there are.
    """
    meaning: dict[sp.Expr, sp.Expr] = {}
    for equation in equations:
        rhs = equation.rhs.xreplace(meaning)
        for argument in (a for node in equation.rhs.atoms(Node) for a in node.args):
            if axes_of(argument) != axes_of(argument.xreplace(meaning)):
                raise ValueError(f"{argument} is not the same without its name")
        if equation.lhs in hidden:
            meaning[equation.lhs] = rhs
        else:
            yield replace(equation, rhs=rhs)


def _helpers(adjoint: Adjoint) -> set[Quantity]:
    """Intermediate values of the adjoint equations that are not themselves adjoints."""
    return {e.lhs for e in adjoint.backward} - set(adjoint.bar.values())


def _hidden(adjoint: Adjoint) -> set[Quantity]:
    """The short quantities that only the normal form has named: both their definitions and those
    of their adjoints stay short where they are inserted."""
    backward = {e.lhs: e.rhs for e in _inlined(adjoint.backward, _helpers(adjoint))}
    named = {e.lhs for e in adjoint.cell.equations}
    meaning: dict[sp.Expr, sp.Expr] = {}
    for equation in adjoint.forward:
        if equation.lhs in named:
            continue
        rhs, bar = equation.rhs.xreplace(meaning), adjoint.bar[equation.lhs]
        uses = sum(e.count(bar) for e in backward.values())
        length = _size(backward.get(bar, sp.S.Zero))
        copies_well = not isinstance(rhs, sp.Add) and length <= 3
        if _size(rhs) <= 4 and length <= 8 and (uses <= 1 or copies_well):
            meaning[equation.lhs] = rhs
    return set(meaning)


def _size(expr: sp.Expr) -> int:
    """The length of an expression: its quantities, functions and products."""
    words = (p for p in sp.preorder_traversal(expr) if isinstance(p, Quantity | Elementwise | Node))
    return sum(not isinstance(word, Transposed) for word in words)


class Mean(FeatureSum):
    """For display: a sum over the features divided by their number."""


class Minimum(Elementwise):
    """For display: the smaller of two values, which the language makes of `maximum`."""

    nargs = 2


def readable(expr: sp.Expr) -> sp.Expr:
    """An expression for a reader, with means, minima and common factors as such."""
    if not expr.args:
        return expr
    if isinstance(expr, Composed):
        return readable(expr.formula())
    expr = expr.func(*map(readable, expr.args))
    if isinstance(expr, step) and isinstance(expr.args[0], relu):
        return step(*expr.args[0].args)
    if isinstance(expr, maximum) and all(map(negative, expr.args)):
        return -Minimum(*(-argument for argument in expr.args))
    if isinstance(expr, FeatureSum):
        outside, inside = _split(expr)
        return sp.Mul(*outside, expr.func(sp.Mul(*inside), *expr.args[1:])) if inside else expr
    if isinstance(expr, MatVec | Outer):
        signs, parts = zip(*(_signed(part) for part in expr.args), strict=True)
        return sp.Mul(*signs) * expr.func(*parts)
    if not isinstance(expr, sp.Mul):
        return expr
    factors = list(expr.args)
    for k, factor in enumerate(factors):
        if isinstance(factor, FeatureSum):
            one_of = 1 / factor.alike(())
            if one_of in factors:
                factors[factors.index(one_of)] = sp.S.One
                factors[k] = Mean(*factor.args)
        if isinstance(factor, sp.Add) and len(factors) > 2 and factor.primitive()[0].is_Integer:
            factors[k] = sp.Mul(*factor.primitive(), evaluate=False)  # 2 (a - m), not (2 a - 2 m)
    return sp.Mul(*factors)


def negative(expr: sp.Expr) -> bool:
    """True if an expression is written with a leading minus."""
    return bool(expr.as_coeff_Mul()[0].is_negative)


def _signed(expr: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """An expression as its sign, and the rest."""
    return (-sp.S.One, -expr) if negative(expr) else (sp.S.One, expr)


def _split(total: FeatureSum) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The factors of what is summed: those that are the same for all that the sum runs over, and
    the others."""
    factors = sp.Mul.make_args(total.args[0])
    inside = [f for f in factors if set(axes_of(f)) & set(total.summed)]
    return [f for f in factors if f not in inside], inside


def _names(adjoint: Adjoint) -> dict[str, Name]:
    cell, bar = adjoint.cell, adjoint.bar
    names = {q: Name(q.name) for q in cell.parameters}
    names |= {q: Name(q.name, "" if q.name == "t" else "t") for q in cell.given}
    names |= {q: Name(q.name, "t-1") for q in cell.states}
    names |= {e.lhs: Name(e.lhs.name, "t") for e in cell.equations}
    names |= {new: Name(old.name, "t", new=True) for old, new in cell.updates.items()}
    words = {name.word for name in names.values()}
    for quantity in (e.lhs for e in adjoint.forward if e.lhs not in names):
        word = quantity.name.removesuffix("_next")  # a_h for the pre-activation of h_next
        names[quantity] = Name(quantity.name if word in words else word, "t")
        words.add(word)
    bars = {bar[q]: replace(name, bar=True) for q, name in names.items() if q in bar}
    bars |= {bar[q]: replace(bars[bar[q]], part="back") for q in cell.states}
    bars[adjoint.seed] = replace(bars[bar[cell.output]], part="loss")
    for old, new in cell.updates.items():
        bars[adjoint.carry[old]] = replace(bars[bar[new]], part="next")
    return {q.name: name for q, name in (names | bars).items()}


def _ranks(adjoint: Adjoint) -> dict[str, int]:
    """Adjoints before what they are multiplied with; both as their quantities are defined."""
    cell, bar = adjoint.cell, adjoint.bar
    own = (*cell.parameters, *(e.lhs for e in adjoint.forward), *cell.states, *cell.given)
    bars = (adjoint.seed, *(bar[q] for q in own if q in bar), *adjoint.carry.values())
    return ranks(q.name for q in (*bars, *own))
