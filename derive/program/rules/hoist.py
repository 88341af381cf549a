"""The rule that moves work out of the loop over time: what does not depend on the step before is
computed for all steps at once."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from derive.adjoint import separated
from derive.cell import Equation
from derive.elementwise import Elementwise
from derive.names import fresh
from derive.nodes import (
    Node,
    Quantity,
    axes_of,
    has_shape,
    is_matrix,
    opened,
    outermost_nodes,
    own,
    symbols_of,
)
from derive.program.loop import Loop, needed_for
from derive.program.policy import Policy


def hoist(loop: Loop, policy: Policy) -> Loop:
    """Move what does not depend on the previous step out of the loop: whole equations, then terms
    and factors.

    Of ``a_i = W_i @ x + U_i @ h + b_i`` the input's share ``W_i @ x + b_i`` is computed for all
    steps at once; of ``da_i = dc_next * g * i(1 - i)`` the local derivative of ``c_next`` by
    ``a_i``. Where elementwise work is better left in the loop, only products and reductions move.
    (Compilers call it loop-invariant code motion.)
    """
    return (_Hoist if policy.hoist_elementwise else _HoistProducts)(loop).run()


class _Hoist:
    def __init__(self, loop: Loop):
        self.loop = loop
        self.taken = loop.taken()
        self.varying = {carry.entering for carry in loop.carries} | loop.arrives
        self.fixed = set(loop.fixed)
        self.before: list[Equation] = []
        self.shared: dict[sp.Expr, Quantity] = {}

    def run(self) -> Loop:
        during = []
        for equation in self.loop.during:
            if equation.lhs in self.loop.totals:
                during.append(equation)  # gathered at the end, all of a kind together: see `defer`
                continue
            if not self.varies(equation.rhs) and self.leaves(equation):
                self.compute_before(equation)
                continue
            self.varying.add(equation.lhs)
            split = equation if isinstance(equation.rhs, Elementwise) else self.split(equation)
            during.append(split)
        return replace(self.loop, before=(*self.loop.before, *self.before), during=tuple(during))

    def varies(self, expr: sp.Expr) -> bool:
        return bool(self.varying & symbols_of(expr))

    def leaves(self, equation: Equation) -> bool:
        """Whether an equation that is known before the loop is better computed there."""
        is_fixed = symbols_of(equation.rhs) <= self.fixed
        return equation.lhs not in self.loop.last and (is_fixed or not is_matrix(equation.lhs))

    def compute_before(self, equation: Equation) -> None:
        """Compute an equation before the loop, where the terms that are the same at every step are
        summed once: parameter vectors, above all."""
        terms = sp.Add.make_args(equation.rhs)
        fixed = [term for term in terms if symbols_of(term) <= self.fixed]
        if 1 < len(fixed) < len(terms) and any(map(symbols_of, fixed)):
            name = f"{equation.lhs.name.removesuffix('_in')}_bias"
            bias = self.outside(sp.Add(*fixed), name, equation)
            equation = replace(equation, rhs=sp.Add(*(t for t in terms if t not in fixed), bias))
        elif len(fixed) == len(terms) and equation.lhs not in self.loop.ends:
            self.fixed.add(equation.lhs)
        self.before.append(equation)

    def split(self, equation: Equation) -> Equation:
        """The equation with its loop-free terms and factors replaced by quantities known before the
        loop."""
        free: list[sp.Expr] = []
        rates: dict[sp.Expr, list[sp.Expr]] = {}
        for term in self.terms(equation.rhs):
            if not self.varies(term):
                free.append(term)
            else:
                fixed, moving = self.factors(term)
                if axes_of(moving) == () != axes_of(fixed):  # known numbers go with a number, too
                    known, fixed = separated(fixed, axes_of(fixed))
                    name = self.rate_name(equation.lhs, moving)
                    moving *= self.outside(known, name, equation)
                rates.setdefault(moving, []).append(fixed)
        terms = [self.outside(sp.Add(*free), f"{equation.lhs}_in", equation)]
        terms += [
            opened(m * self.outside(sp.Add(*fixed), self.rate_name(equation.lhs, m), equation))
            for m, fixed in rates.items()
        ]
        return replace(equation, rhs=sp.Add(*terms))

    def terms(self, expr: sp.Expr) -> list[sp.Expr]:
        """The terms of a sum, where a product with a sum inside is multiplied out if that sets
        known factors free."""
        terms = []
        for term in sp.Add.make_args(expr):
            sums = (p for p in sp.Mul.make_args(term) if isinstance(p, sp.Add) and self.varies(p))
            inner = next((p for p in sums if self.opens(p, term / p)), None)
            terms += (
                [term]
                if inner is None
                else self.terms(sp.Add(*(term / inner * part for part in inner.args)))
            )
        return terms

    def opens(self, inner: sp.Add, outside: sp.Expr) -> bool:
        """Whether a product with a sum inside is better multiplied out.

        It is where every term of the sum is something that varies times something that is known;
        and where the factor outside is known and so is a term inside, which leaves a*h + b of
        ``a * (f*h + i*n)``. There one term may lack a known factor: for two, the loop would get a
        product more.
        """
        known = [part for part in inner.args if not self.varies(part)]
        loose = sum(not symbols_of(self.factors(part)[0]) for part in inner.args)
        if not known:
            return loose == 0
        affine = not self.varies(outside) and any(map(symbols_of, known))
        return bool(symbols_of(outside)) and affine and loose <= 1

    def factors(self, term: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
        """A term as (what is known before the loop) times (what is not).

        Signs and numbers are no work where they go with a single number, and stay there: of ``s * v
        / H`` for a varying number s, the known vector is v alone.
        """
        parts = sp.Mul.make_args(term)
        if self.is_large(sp.Mul(*(p for p in parts if not self.varies(p)))):
            return sp.S.One, term
        fixed = sp.Mul(*(p for p in parts if not self.varies(p)))
        moving = sp.Mul(*(p for p in parts if self.varies(p)))
        if symbols_of(fixed) and (axes_of(moving) == () or axes_of(fixed) == ()):
            plain = sp.Mul(*(p for p in sp.Mul.make_args(fixed) if not symbols_of(p)))
            return fixed / plain, moving * plain
        return fixed, moving

    def is_large(self, expr: sp.Expr) -> bool:
        """Whether an expression would be a matrix for each step and sequence: that stays in the
        loop, whatever it is made of."""
        if not has_shape(expr):  # a row times a column, with no matrix beside them
            return True
        return not symbols_of(expr) <= self.fixed and len(own(axes_of(expr))) > 1

    def rate_name(self, lhs: Quantity, moving: sp.Expr) -> str:
        """The local derivative that takes `moving` to `lhs` is named as one: ``dc_next_da_i`` is
        ∂c_next/∂a_i."""
        base = self.loop.base
        if not (isinstance(moving, Quantity) and moving in base and lhs in base):
            return f"{lhs}_rate"
        upper, lower = (moving, lhs) if self.loop.reverse else (lhs, moving)
        return f"d{base[upper]}_d{base[lower]}"

    def outside(self, expr: sp.Expr, name: str, equation: Equation) -> sp.Expr:
        """The expression, or a quantity defined as it before the loop where that saves work in the
        loop."""
        is_there = isinstance(expr, Quantity) or isinstance(-expr, Quantity)
        is_there |= isinstance(1 / expr, Quantity) and not axes_of(expr)  # divides a vector as well
        if is_there or not symbols_of(expr) or self.is_large(expr):
            return expr
        if isinstance(1 / expr, Quantity):
            name = f"inv_{1 / expr}"
        if expr not in self.shared:
            quantity = Quantity(fresh(name, self.taken), axes_of(expr))
            self.compute_before(Equation(quantity, expr, equation.order))
            self.shared[expr] = quantity
        return self.shared[expr]


class _HoistProducts(_Hoist):
    """Moves products and reductions, with what they read, and what is the same at every step."""

    def __init__(self, loop: Loop):
        super().__init__(loop)
        nodes = [e.lhs for e in loop.during if e.rhs.atoms(Node) and e.lhs not in loop.totals]
        parts = [n for e in loop.during for n in outermost_nodes(e.rhs)]
        operands = {q for part in parts for q in symbols_of(part)}
        self.early = needed_for({*nodes, *operands}, loop.during)

    def leaves(self, equation: Equation) -> bool:
        early = equation.lhs in self.early or symbols_of(equation.rhs) <= self.fixed
        return early and super().leaves(equation)

    def split(self, equation: Equation) -> Equation:
        """The equation with its products of what is known, in one sum, computed before the loop."""
        known: list[sp.Expr] = []
        others: list[sp.Expr] = []
        for term in sp.Add.make_args(equation.rhs):
            moves = isinstance(term, Node) and not self.varies(term)
            (known if moves else others).append(term)
        product = self.outside(sp.Add(*known), f"{equation.lhs}_in", equation)
        return replace(equation, rhs=sp.Add(product, *others))
