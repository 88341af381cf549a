"""The namespace in which a cell's body runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fractions import Fraction
from types import FunctionType, ModuleType
from typing import Any

import sympy as sp

from derive import wellformed
from derive.cell import Equation
from derive.elementwise import absolute
from derive.language.declarations import Declaration, Family, First, Option, operand
from derive.language.options import Options
from derive.language.rounds import Layer, Rounds
from derive.nodes import Axis, CellError, Quantity, axes_of, symbols_of

_CURRENT: ContextVar[Body] = ContextVar("current")


KINDS = {"axis": Axis, "shape": tuple, "constant": int | float, "option": Option}


class Body(dict[str, Any]):
    """The namespace a cell's body runs in: it turns assignments into declarations and equations.

    It sees every name that is read, and so records the order in which an equation was written,
    which SymPy does not keep.
    """

    def __init__(self):
        super().__init__()
        self.inputs: dict[str, Quantity] = {}
        self.number: Quantity | None = None
        self.output: Quantity | None = None
        self.states: dict[str, Quantity] = {}
        self.starts: dict[str, float] = {}
        self.forward: dict[str, Quantity] = {}
        self.families: dict[str, Family] = {}
        self.parameters: dict[str, Quantity] = {}
        self.members: dict[str, tuple[Family, str, str]] = {}
        self.equations: list[Equation] = []
        self.options = Options()
        self.loops = 0
        self.layer: Layer | None = None
        self.rounds: dict[str, Rounds] = {}
        self.read: list[str] = []
        self.unread: dict[str, str] = {}  # axes, constants and options that nothing has read yet

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name) if name in self else self.forward[name]
        self.read.append(value.name if isinstance(value, Quantity) else name)
        self.unread.pop(name, None)
        return self._of_rounds(name, value)

    def _of_rounds(self, name: str, value: Any) -> Any:
        """What a name stands for here; see `Rounds`."""
        if isinstance(value, Layer) and self.layer is not None and value.loop != self.layer.loop:
            raise CellError(f"`{name}` is the number of a round of another loop, which is over")
        rounds = self.rounds.get(name)
        if rounds is None:
            return value
        return rounds if isinstance(value, Quantity) or rounds._is_elsewhere() else value

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setitem__(name, value)
            return
        if isinstance(value, FunctionType | ModuleType):
            kind = "function" if isinstance(value, FunctionType) else "module"
            raise CellError(f"`{name}` is a {kind}: define helpers above the class")
        full = name if isinstance(value, Layer) else self.numbered(name)
        if not isinstance(value, Layer):  # the number of a round may be _, where nothing reads it
            wellformed.check_name(full)
        if full in self and not isinstance(value, Layer):
            raise CellError(
                f"`{full}` is defined twice; give each quantity a name of its own (to repeat "
                f"equations, write a loop over each(…))"
            )
        meaning = self._meaning(full, value)
        super().__setitem__(full, meaning)
        super().__setitem__(name, meaning)
        kind = next((said for said, types in KINDS.items() if isinstance(value, types)), "")
        if kind and not isinstance(value, Layer):
            self.unread[name] = kind
        if self.layer is not None and not isinstance(value, Layer):
            self.rounds.setdefault(name, Rounds(name, self))._add(self.layer, meaning)

    def _meaning(self, name: str, value: Any) -> Any:
        if isinstance(value, Axis | Layer) or _is_shape(value):
            return value
        if isinstance(value, int | float):
            return self.options.number(name, value)
        if isinstance(value, Rounds) or (isinstance(value, Family) and value._name):
            return self.define(name, value)
        if isinstance(value, Declaration):
            return value._named(name, self)
        if isinstance(value, sp.Expr):
            return self.define(name, value)
        raise CellError(
            f"`{name}` is a {type(value).__name__}; a cell's body holds declarations and equations"
        )

    def numbered(self, name: str) -> str:
        """The name, followed by the number of the current repetition."""
        if self.layer is None:
            return name
        state = f"{name.removesuffix('_next')}_{self.layer}"
        is_new_state = name.endswith("_next") and state in self.states
        return f"{state}_next" if is_new_state else f"{name}_{self.layer}"

    def define(self, name: str, formula: Any) -> Quantity:
        """Add the equation `name` = `formula`."""
        rhs = _in_our_words(sp.sympify(operand(formula), strict=True))
        wellformed.check_words(name, rhs)
        try:
            axes = axes_of(rhs)
        except CellError as error:
            raise CellError(f"equation `{name}`: {error}") from None
        lhs = self.forward.get(name) or Quantity(name, axes)
        wellformed.check_shapes({**{e.lhs: e.rhs for e in self.equations}, lhs: rhs})
        self.equations.append(Equation(lhs, rhs, tuple(self.read)))
        self.read = []
        return lhs

    def helper(self, name: str, formula: sp.Expr) -> Quantity:
        """Add an equation that a word of the language needs, within one that is being written. What
        it is called after may have the number of the repetition already."""
        has_number = self.layer is not None and name.endswith(f"_{self.layer}")
        written, name = self.read, name if has_number else self.numbered(name)
        while name in self or name in self.forward:
            name += "_"
        self.read = [q.name for q in sorted(symbols_of(formula), key=written_at(written))]
        quantity = self.define(name, formula)
        super().__setitem__(name, quantity)
        self.read = [*written, name]
        return quantity

    def parameter(self, family: Family, member: str) -> Quantity:
        """A parameter of a family, made when it is first read; the empty member is the parameter
        with the family's own name."""
        own = member in family._names or not member
        full = member if own else self.numbered(member)
        name = f"{family._name}_{full}" if full else family._name
        self.read.append(name)
        other = self.members.setdefault(name, (family, member, full))[0]
        if other is not family:
            raise CellError(
                f"`{name}` is defined twice: the families `{family._name}` and `{other._name}` "
                f"both have a parameter of that name"
            )
        return self.parameters.setdefault(name, Quantity(name, family._axes))

    def quantities(self) -> set[str]:
        """The names of everything declared and defined so far, except parameters."""
        defined = {e.lhs.name for e in self.equations}
        number = [self.number.name] if self.number else []
        return {*self.inputs, *number, *self.states, *defined}

    def updates(self) -> dict[Quantity, Quantity]:
        """The new value of each state that has one."""
        defined = {e.lhs.name: e.lhs for e in self.equations}
        return {s: defined[f"{n}_next"] for n, s in self.states.items() if f"{n}_next" in defined}

    def check_members(self) -> None:
        """Every member is named after an equation or listed; every declared family is used."""
        equations = {e.lhs.name for e in self.equations}
        serves = equations | {name.removesuffix("_next") for name in equations}
        for name, (family, member, full) in self.members.items():
            if full and full not in serves and member not in family._names:
                raise CellError(
                    f"`{family._name}.{member}` ({name}): no equation is called `{full}`; name a "
                    f"member after the equation it serves, or list it where `{family._name}` is "
                    f'declared: names="{member}"'
                )
        options = {s.name for s in self.options.settings if s.choices}
        if options - self.unread.keys():
            return  # another choice may use what this one does not
        for name, kind in self.unread.items():
            raise CellError(f"{kind} `{name}` is never used; remove it, or use it in an equation")
        used = {(family._name, member) for family, member, _ in self.members.values()}
        declared = [(name, m) for name, family in self.families.items() for m in family._names]
        declared += [(name, "") for name in self.families if name not in dict(used)]
        for name, member in declared:
            if (name, member) not in used:
                what = f"{name}.{member}" if member else name
                raise CellError(f"`{what}` is never used; remove it, or use it in an equation")

    def initial(self) -> dict[str, First]:
        """Initial values, by parameter, numbers or functions; CellError where no such parameter
        exists."""
        for family in self.families.values():
            members = {
                m
                for f, member, full in self.members.values()
                for m in (member, full)
                if f is family
            }
            for member in family._initial.keys() - members:
                raise CellError(
                    f"`{family._name}` gives `{family._name}_{member}` the initial value "
                    f"{family._initial[member]}, but no equation uses it"
                )
        values = {
            name: family._starts(full if full in family._initial else member)
            for name, (family, member, full) in self.members.items()
        }
        return {name: value for name, value in values.items() if value is not None}

    def untrained(self) -> frozenset[str]:
        """The parameters that are not trained."""
        return frozenset(n for n, (family, *_) in self.members.items() if not family._trained)


def _is_shape(value: Any) -> bool:
    """Whether a value is several axes, for what has them in common: ``State(*units)``."""
    return isinstance(value, tuple) and bool(value) and all(isinstance(a, Axis) for a in value)


def opened() -> Body:
    """A new body, the current one from then on."""
    body = Body()
    _CURRENT.set(body)
    return body


def current() -> Body:
    """The body whose class statement runs, or the last one that ran."""
    try:
        return _CURRENT.get()
    except LookupError:
        raise CellError("this can only be used in the body of a cell's class") from None


@contextmanager
def nothing_declared() -> Iterator[None]:
    """While it lasts, the current body is an empty one, until a class statement opens its own."""
    token = _CURRENT.set(Body())
    try:
        yield
    finally:
        _CURRENT.reset(token)


def written_at(names: list[str]) -> Callable[[Quantity], tuple[int, str]]:
    """Sort key: quantities in the order in which their names were written."""
    return lambda q: (names.index(q.name) if q.name in names else len(names), q.name)


def _in_our_words(formula: sp.Expr) -> sp.Expr:
    """The formula with 1.0 written as 1, so that SymPy drops a factor of one; with the exponent
    1/3, which Python has divided, as a fraction; and with SymPy's own |x| as ours."""
    floats = formula.atoms(sp.Float)
    formula = formula.xreplace({f: sp.Integer(int(f)) for f in floats if float(f).is_integer()})
    powers = {p: p.base ** _fraction(p.exp) for p in formula.atoms(sp.Pow) if p.exp.is_Float}
    formula = formula.xreplace(powers)
    return formula.replace(sp.Abs, absolute)


def _fraction(number: sp.Float) -> sp.Expr:
    """The fraction of small numbers that a float is nearest to, or else the float."""
    found = Fraction(float(number)).limit_denominator(100)
    return sp.Rational(found) if float(found) == float(number) else number
