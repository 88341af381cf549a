"""From a cell's equations to their normal form, in which every derivative is one step of the chain
rule.

In normal form an equation is one of three kinds:

- an *activation*, a function of quantities that have a name: ``i = sigmoid(a_i)``, or the
  deviation of some from their mean;
- *algebraic*: sums, products and powers of named quantities, where a matrix-vector product stands
  alone as a term: ``a_i = W_i @ x + U_i @ h + b_i``, and so does an outer product, with its sign.
  What such a node takes has a name, too: the adjoint of a node goes to its arguments, and only what
  has a name can receive it. What a matrix is multiplied with goes to the vectors beside it
  (`derive.linear`);
- a *quotient* by something that varies, ``h_next = (f*h + i*n) / (f + i)``, which is never a part
  of another formula, so that its derivative finds the quotient itself under a name.

So ``i = sigmoid(W_i @ x + …)`` becomes two equations, of which the first is the pre-activation
``a_i``, and the ``tanh(c_next)`` inside a product gets the name ``tanh_c_next``. Whatever occurs
twice is named once. The adjoint of every named quantity is then one short equation, and an
activation's derivative finds the activation's output under a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy as sp

from derive.cell import Equation, in_order
from derive.deviation import Stated
from derive.elementwise import Elementwise
from derive.linear import by_vectors
from derive.names import fresh
from derive.nodes import (
    FeatureSum,
    MatVec,
    Node,
    Outer,
    Quantity,
    Transposed,
    axes_of,
    summed,
    with_heads,
)


def normalise(
    equations: Iterable[Equation], taken: Iterable[str], *, quotients: bool = False
) -> tuple[Equation, ...]:
    """The equations in normal form, each new quantity defined before it is used.

    `taken` are the names that new quantities may not have. Quotients that are part of a formula
    get a name where `quotients` says so: adjoints, which are linear in what varies most, are better
    off without.
    """
    equations = tuple(replace(e, rhs=by_vectors(e.rhs)) for e in equations)
    return _Normaliser(equations, set(taken), quotients).run()


def divisor_of(expr: sp.Expr) -> sp.Expr:
    """What a quotient is divided by, without the numbers; 1 where it is no quotient."""
    return sp.Mul(*(1 / factor for factor in sp.Mul.make_args(expr) if is_below_bar(factor)))


def is_below_bar(factor: sp.Expr) -> bool:
    """Whether a factor of a product is something that varies, divided by."""
    return (
        isinstance(factor, sp.Pow)
        and bool(factor.exp.is_negative)
        and factor.has(Quantity, sp.Dummy)
    )


class _Normaliser:
    def __init__(self, equations: tuple[Equation, ...], taken: set[str], quotients: bool):
        self.equations = equations
        self.taken = taken
        self.quotients = quotients
        self.named: dict[sp.Expr, Quantity] = {
            e.rhs: e.lhs for e in equations if isinstance(e.rhs, Elementwise) and not e.stretches
        }
        self.uses = Counter(product for e in equations for product in _products(e.rhs))
        self.result: list[Equation] = []

    def run(self) -> tuple[Equation, ...]:
        for equation in self.equations:
            rhs = self.top(equation.rhs, equation)
            self.result.append(Equation(equation.lhs, rhs, equation.order))
        return in_order(self.result)  # a name that is shared may have been given further down

    def top(self, rhs: sp.Expr, equation: Equation) -> sp.Expr:
        """The right-hand side of an equation that has a name already."""
        if isinstance(rhs, Elementwise):
            return rhs.func(*self.pre_activations(rhs.args, equation))
        if isinstance(rhs, Stated) and not equation.stretches:  # its derivative reads its own value
            return self.node(rhs, equation)
        if not isinstance(rhs, sp.Add) and divisor_of(rhs) != 1:
            return self.parts(rhs, equation)
        terms = (self.term(term, equation) for term in sp.Add.make_args(rhs))
        return sp.Add(*terms)

    def term(self, term: sp.Expr, equation: Equation) -> sp.Expr:
        """A term of a sum; only here may a product stand without a name."""
        if isinstance(term, MatVec) and self.uses[term] == 1:
            return self.node(term, equation)
        if with_heads(term):
            return summed(self.node(term.args[0], equation), term.summed)
        number, factor = term.as_coeff_Mul()
        if isinstance(factor, Outer):
            return number * self.node(factor, equation)
        return self.inner(term, equation)

    def inner(self, expr: sp.Expr, equation: Equation) -> sp.Expr:
        """Anything below the top: what needs a name gets one."""
        if isinstance(expr, Elementwise):
            return self.activation(expr, equation)
        if isinstance(expr, MatVec):
            return self.name(expr, self.name_of_product(expr, equation), equation)
        if isinstance(expr, Stated):
            return self.name(expr, f"{expr.called}_{equation.lhs}", equation)
        if isinstance(expr, Node):
            return self.node(expr, equation)
        if self.quotients and divisor_of(expr) != 1:
            number, quotient = expr.as_coeff_Mul()
            return number * self.name(quotient, self.name_of_quotient(quotient, equation), equation)
        return self.parts(expr, equation)

    def parts(self, expr: sp.Expr, equation: Equation) -> sp.Expr:
        """A sum, product or power, whose parts get the names they need. What a product is divided
        by is no quotient of its own."""
        if not expr.args:
            return expr
        if is_below_bar(expr):
            return self.inner(expr.base, equation) ** expr.exp
        below = is_below_bar if isinstance(expr, sp.Mul) else lambda _: False
        parts = (self.parts if below(part) else self.inner for part in expr.args)
        return expr.func(*(f(part, equation) for f, part in zip(parts, expr.args, strict=True)))

    def activation(self, expr: Elementwise, equation: Equation) -> Quantity:
        if expr in self.named:
            return self.named[expr]
        inside = (
            "_".join(str(a) for a in expr.args)
            if all(a.is_Symbol for a in expr.args)
            else str(equation.lhs)
        )
        return self.name(expr, f"{expr.func.__name__}_{inside}", equation)

    def name_of_matrix(self, matrix: sp.Expr, equation: Equation) -> str:
        """What a matrix is called that has no name: after its factors, where these are few."""
        (whole,) = matrix.args if isinstance(matrix, Transposed) else (matrix,)
        return self.short_name(whole, equation) or f"{equation.lhs}_matrix"

    def name_of_product(self, expr: MatVec, equation: Equation) -> str:
        matrix, vector = expr.args
        left = self.name_of_matrix(matrix, equation) + "_T" * isinstance(matrix, Transposed)
        return f"{left}_{vector if vector.is_Symbol else equation.lhs}"

    def name_of_quotient(self, expr: sp.Expr, equation: Equation) -> str:
        divisor = divisor_of(expr)
        names = [self.short_name(expr * divisor, equation), self.short_name(divisor, equation)]
        return "_per_".join(names) if all(names) else f"{equation.lhs}_quotient"

    def node(self, expr: Node, equation: Equation) -> sp.Expr:
        """A node, each of its arguments under a name."""
        if isinstance(expr, FeatureSum):
            return FeatureSum(self.summed(expr.args[0], equation), *expr.args[1:])
        if isinstance(expr, MatVec):
            names = [self.name_of_matrix(expr.args[0], equation)]
            names.append(self.name_of_operand(expr.args[1], equation))
        else:
            names = [self.name_of_operand(argument, equation) for argument in expr.args]
        arguments = zip(expr.args, names, strict=True)
        return expr.func(*(self.argument(a, name, equation) for a, name in arguments))

    def summed(self, vector: sp.Expr, equation: Equation) -> sp.Expr:
        """What a sum over the features runs over: a formula, in which a sum has a name, and so has
        an outer product."""
        nodes = vector.atoms(FeatureSum, Outer)
        sums = sorted(nodes, key=lambda part: (-part.count_ops(), str(part)))
        for inner in sums:
            if vector.has(inner):
                vector = vector.xreplace({inner: self.name(inner, f"sum_{equation.lhs}", equation)})
        return self.inner(vector, equation)

    def name_of_operand(self, expr: sp.Expr, equation: Equation) -> str:
        """What a product is taken of."""
        return self.short_name(expr, equation) or f"{equation.lhs}_operand"

    def short_name(self, expr: sp.Expr, equation: Equation) -> str:
        """A short product is called after its factors; "" for anything else."""
        factors = sp.Mul.make_args(expr)
        if len(factors) <= 3 and all(isinstance(factor, Quantity) for factor in factors):
            return "_".join(sorted(map(str, factors), key=_position(equation)))
        return ""

    def pre_activations(self, args: Iterable[sp.Expr], equation: Equation) -> Iterator[sp.Expr]:
        """What a function is applied to; the names of several have numbers."""
        args = tuple(args)
        several = sum(not is_named(a) for a in args) > 1
        for k, argument in enumerate(args, start=1):
            yield self.argument(argument, f"a{k if several else ''}_{equation.lhs}", equation)

    def argument(self, expr: sp.Expr, name: str, equation: Equation) -> sp.Expr:
        """What a function or node is applied to: a quantity with a name, its transpose, or a plain
        number."""
        if is_named(expr):
            return expr
        if isinstance(expr, Transposed):
            return Transposed(self.argument(expr.args[0], name, equation))
        return self.name(expr, name, equation)

    def name(self, expr: sp.Expr, name: str, equation: Equation) -> Quantity:
        """Define a new quantity, or find the one that has this definition."""
        if expr not in self.named:
            quantity = Quantity(fresh(name, self.taken), axes_of(expr))
            self.named[expr] = quantity
            own = Equation(quantity, expr, equation.order)
            definition = equation if divisor_of(expr) != 1 else own  # whose words its parts bear
            rhs = (
                self.node(expr, definition)
                if isinstance(expr, Node)
                else self.top(expr, definition)
            )
            self.result.append(Equation(quantity, rhs, equation.order))
        return self.named[expr]


def is_named(expr: sp.Expr) -> bool:
    """Whether an expression needs no name: a quantity, or a plain number."""
    return isinstance(expr, Quantity) or bool(expr.is_Number)


def _products(expr: sp.Expr) -> Iterable[MatVec]:
    """Every occurrence of a matrix-vector product, repeated where it occurs repeatedly."""
    return (part for part in sp.preorder_traversal(expr) if isinstance(part, MatVec))


def _position(equation: Equation):
    """Sort key: names as the equation was written, then by name."""
    return lambda name: (
        equation.order.index(name) if name in equation.order else len(equation.order),
        name,
    )
