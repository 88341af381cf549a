"""Which pre-activations, and which parameters, lie next to each other in memory.

Products of the same operand are one product of stacked matrices: ``W_i @ x``, ``W_f @ x``, … are
the rows of one ``W @ x``. For that the matrices must lie one above the other, and the results side
by side. The layout is found from the forward equations alone, and every loop of the cell uses it,
so that the stack that serves ``U @ h`` on the way there serves its transpose on the way back, and
its gradient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import sympy as sp

from derive.cell import Cell, Equation
from derive.elementwise import Elementwise
from derive.nodes import MatVec, Quantity, symbols_of
from derive.program.alike import groups_alike
from derive.program.loop import Loop
from derive.program.statements import Group
from derive.program.variants import Variant

# Gates of one function stand next to each other, sigmoids before tanhs: one call of tanh can serve
# both, σ(z) = ½ + ½ tanh(z/2). The order is the same for all targets, so that parameters are, too.
JOINED = ("sigmoid", "tanh")


@dataclass(frozen=True)
class Stack:
    """Pre-activations side by side in one array. Those of one level are ready at the same moment of
    a step."""

    name: str
    members: tuple[Quantity, ...]
    levels: tuple[int, ...]

    @classmethod
    def of(cls, group: Group) -> Stack:
        """Quantities of one form, called after what their names have in common."""
        return cls(name_of(group), group, (0,) * len(group))


@dataclass(frozen=True)
class Weights:
    """Parameters one above the other: row blocks of one matrix, or parts of one bias vector."""

    name: str
    parameters: tuple[Quantity, ...]


@dataclass(frozen=True)
class Layout:
    """The stacks of a cell, its stacked parameters, and the order of all parameters in memory."""

    stacks: tuple[Stack, ...]
    weights: tuple[Weights, ...]
    parameters: tuple[Quantity, ...]


def layout(cell: Cell, forward: Loop, equations: tuple[Equation, ...]) -> Layout:
    """Find the layout of a cell from its equations in normal form and its scheduled forward
    loop."""
    by_name = {e.lhs: e for e in equations}
    next_states = set(cell.updates.values())
    uses = Counter(
        s for e in equations for s in sp.preorder_traversal(e.rhs) if s in set(cell.parameters)
    )
    rows = {e.lhs: _rows(e, uses) for e in equations if e.lhs not in next_states}
    groups = [g for g in _connected({q: r for q, r in rows.items() if r}) if len(g) > 1]

    levels = _levels(forward, equations)
    kinds = {
        e.rhs.args[0]: e.rhs.func.__name__ for e in equations if isinstance(e.rhs, Elementwise)
    }
    definition = {e.lhs: n for n, e in enumerate(equations)}

    def position(q: Quantity) -> tuple:
        kind = JOINED.index(kinds[q]) if kinds.get(q) in JOINED else len(JOINED)
        return levels[q], kind, sorted(map(str, rows[q])), definition[q]

    taken = {q.name for q in (*cell.quantities, *by_name)}
    name = "gates" if len(groups) == 1 else "gates_1"
    stacks, weights = [], []
    for n, group in enumerate(groups, start=1):
        members = tuple(sorted(group, key=position))
        stacks.append(
            Stack(
                _stack_name(name.replace("1", str(n)), taken),
                members,
                tuple(levels[q] for q in members),
            )
        )
        for operand in dict.fromkeys(v for q in members for v in rows[q]):
            weights += _stacked([rows[q].get(operand) for q in members], taken)
        weights += _stacked([_bias(by_name[q], cell, uses) for q in members], taken)
    own = [p for p in cell.parameters if uses[p] == 1 and len(p.axes) == 1]
    more, families = _alike(equations, stacks, weights, own, {*next_states, cell.output})
    stacks += [
        Stack(_stack_name(name_of(group), taken), group, tuple(levels[q] for q in group))
        for group in more
    ]
    weights += [Weights(_stack_name(name_of(group), taken), group) for group in families]
    return Layout(tuple(stacks), tuple(weights), _in_memory(cell.parameters, weights))


def _alike(
    equations: tuple[Equation, ...],
    stacks: Iterable[Stack],
    weights: Iterable[Weights],
    own: Iterable[Quantity],
    barred: Collection[Quantity],
) -> tuple[list[Group], list[Group]]:
    """Further stacks, of equations of one form, and the families of parameters that these use: each
    named after the members of a stack, ``s_f``, ``s_i``, … for ``v_f``, ``v_i``, …"""
    stacked = {p for w in weights for p in w.parameters}
    named = {p.name: p for p in own if p not in stacked}
    families: dict[str, Group] = {}
    for stack in stacks:
        ends = [q.name.rpartition("_")[2] for q in stack.members]
        for name in dict.fromkeys(p.rpartition("_")[0] for p in named):
            group = tuple(named[n] for end in ends if (n := f"{name}_{end}") in named)
            if len(group) == len(ends) and len({p.axes for p in group}) == 1:
                families.setdefault(name, group)
    groups = [s.members for s in stacks]
    groups += [w.parameters for w in weights if len(w.parameters[0].axes) == 1]
    found = groups_alike(equations, [*groups, *families.values()], frozenset(barred))
    members = {q for group in found for q in group}
    read = {s for e in equations if e.lhs in members for s in symbols_of(e.rhs)}
    return found, [group for group in families.values() if read.issuperset(group)]


def name_of(group: Group) -> str:
    """What quantities that lie side by side are called together: what their names have in common,
    ``a_in`` for ``a_f_in`` and ``a_i_in``."""
    names = [q.name.split("_") for q in group]
    if len(group) == 1:
        return group[0].name
    if len({len(words) for words in names}) == 1:
        alike = [words[0] for words in zip(*names, strict=True) if len(set(words)) == 1]
        common = "_".join(alike)
        if len(alike) == len(names[0]) - 1 and common[:1].isalpha():  # 1 is no name for u_1 and w_1
            return common
    return f"{group[0]}_to_{group[-1]}"


def _rows(equation: Equation, uses: Counter) -> dict[sp.Expr, Quantity]:
    """For each operand of the equation's products, the matrix; only matrices that are used in one
    place."""
    rows: dict[sp.Expr, Quantity] = {}
    for term in sp.Add.make_args(equation.rhs) if len(equation.lhs.axes) == 1 else ():
        if isinstance(term, MatVec) and uses[term.args[0]] == 1:
            matrix, operand = term.args
            rows.setdefault(operand, matrix)
    return dict(sorted(rows.items(), key=lambda item: str(item[0])))


def _bias(equation: Equation, cell: Cell, uses: Counter) -> Quantity | None:
    """The equation's one plain parameter term, if it has just one and nobody else uses it."""
    terms = [t for t in sp.Add.make_args(equation.rhs) if t in cell.parameters and uses[t] == 1]
    fits = [t for t in terms if t.axes == equation.lhs.axes]
    return fits[0] if len(fits) == 1 else None


def _connected(rows: dict[Quantity, dict[sp.Expr, Quantity]]) -> list[list[Quantity]]:
    """Groups of equations that share operands, directly or through others."""
    groups: list[tuple[set, list[Quantity]]] = []
    for q, operands in rows.items():
        merged = (set(operands), [q])
        apart = []
        for group in groups:
            if group[0] & merged[0]:
                merged = (group[0] | merged[0], group[1] + merged[1])
            else:
                apart.append(group)
        groups = [*apart, merged]
    return [members for _, members in groups]


def _levels(forward: Loop, equations: Iterable[Equation]) -> dict[Quantity, int]:
    """How many activations of the same step come before each quantity: of those that are known
    beforehand only where it is known so itself."""
    early = {e.lhs for e in forward.before}
    levels: dict[Quantity, int] = {}
    for e in equations:
        reads = symbols_of(e.rhs)
        beside = reads if e.lhs in early else reads - early
        below = max((levels.get(s, 0) for s in beside), default=0)
        levels[e.lhs] = below + isinstance(e.rhs, Elementwise)
    return levels


def _stacked(row: Sequence[Quantity | None], taken: set[str]) -> list[Weights]:
    """Each run of neighbours that have a parameter becomes one stack of parameters, called after
    their family, or families."""
    runs = [
        [p for p in run if p is not None]
        for present, run in groupby(row, key=lambda p: p is not None)
        if present
    ]
    families = [dict.fromkeys(p.name.partition("_")[0] for p in run) for run in runs]
    return [
        Weights(_stack_name("_".join(family), taken), tuple(run))
        for run, family in zip(runs, families, strict=True)
        if len(run) > 1
    ]


def _stack_name(name: str, taken: set[str]) -> str:
    """`name`, or one like it that is free, also for the stack's adjoint and tangent."""
    while any(taken & {variant.of(name)} for variant in Variant):
        name += "_"
    taken.add(name)
    return name


def _in_memory(parameters: Sequence[Quantity], weights: Iterable[Weights]) -> tuple[Quantity, ...]:
    """All parameters, stacked ones together, otherwise in the order the equations name them."""
    stack_of = {p: w.parameters for w in weights for p in w.parameters}
    return tuple(dict.fromkeys(p for q in parameters for p in stack_of.get(q, (q,))))
