"""LaTeX printing: quantities, functions, fractions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar

import sympy as sp

from derive.cell import Equation
from derive.display import about
from derive.display.derivation import Name, Textbook
from derive.display.families import SumOver
from derive.display.formula import BEFORE_FACTOR, BEFORE_OPERAND, Stacked, plain
from derive.display.latex.width import em
from derive.elementwise import floor
from derive.nodes import Axes, Quantity
from derive.printing import ATOM, POWER, PRODUCT, SUM

NARROW = 11.0  # em: what is wider is not stacked, since it could not be broken
GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)
SPELLED = {"epsilon": r"\varepsilon", "lamda": r"\lambda"}
FUNCTIONS = {"sigmoid": r"\sigma", "log_sigmoid": r"\log\sigma"}
FUNCTIONS |= {"stop_gradient": r"\operatorname{sg}"}
FUNCTIONS |= {"maximum": r"\max", "Minimum": r"\min"}
FUNCTIONS |= {name: rf"\{name}" for name in ("tanh", "exp", "log", "sin", "cos")}
REMARKS = {
    "sigmoid": r"\sigma(z) = 1 / (1 + e^{-z})",
    "log_sigmoid": r"\sigma(z) = 1 / (1 + e^{-z})",
    "expm1": r"\operatorname{expm1}(z) = e^z - 1",
    "log1p": r"\operatorname{log1p}(z) = \log(1 + z)",
    "relu": r"\operatorname{relu}(z) = \max(z, 0)",
    "step": r"\operatorname{step}(z) = 1 \text{ for } z > 0, \text{ else } 0",
    "softplus": r"\operatorname{softplus}(z) = \log(1 + e^z)",
    "choose": r"\operatorname{where}(c, p, q) = p \text{ where } c, \text{ else } q",
    "stop_gradient": r"\operatorname{sg}(z) = z \text{ with the derivative } 0",
    "surrogate": r"\operatorname{surrogate}(p, q) = p \text{ with the derivative of } q",
    "sign": r"\operatorname{sign}(z) \in \{-1, 0, 1\}",
    "heaviside": r"\operatorname{heaviside}(z) = 0, \tfrac{1}{2}, 1 \text{ for } z < 0, = 0, > 0",
}


class Latex(Stacked):
    """Prints an expression as LaTeX."""

    times = BEFORE_FACTOR + r" \circ "
    juxtaposed = r" \, "
    fences: ClassVar = Stacked.fences | {floor: (r"\lfloor ", r"\rfloor")}

    def __init__(self, book: Textbook):
        super().__init__(book)
        self.stems, self.members = stems(book.names.values()), book.members

    def symbol(self, symbol: sp.Symbol) -> str:
        if isinstance(symbol, Quantity):
            return self.named(self.names[symbol.name])
        return word(symbol.name)  # a size

    def sides(self, equation: Equation, total: str = "") -> tuple[str, str]:
        left, right = super().sides(equation, total)
        if members := self.members.get(equation.lhs.name):
            letter = word(equation.lhs.name.rpartition("_")[2])
            right += rf", \quad {letter} = {', '.join(map(word, members))}"
        return left, right

    def named(self, name: Name) -> str:
        """A quantity's symbol: bar, subscripts, time step, and which part of it."""
        stem, *subscripts = self.stems[name.word]
        base = stem.rstrip("'")
        if name.bar:
            base = rf"\overline{{{base}}}" if base.startswith(r"\mathrm") else rf"\bar{{{base}}}"
        primes = "'" * stem.count("'")
        base = f"{{{base}{primes}}}" if primes else base
        below = ",".join(part for part in (r" \, ".join(subscripts), name.step) if part)
        above = {"": "", "loss": r"(\mathcal{L})", "next": "(t+1)", "back": "(t)"}[name.part]
        return base + script("_", below) + script("^", above)

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, SumOver):
            term, letter = expr.args
            return rf"\sum_{word(letter.name)} {self.print(term, PRODUCT)}", SUM
        return super().dispatch(expr)

    def number(self, number: sp.Number) -> str:
        if isinstance(number, sp.NumberSymbol):
            return {sp.pi: r"\pi", sp.E: r"\mathrm{e}"}.get(number) or super().number(number)
        mantissa, _, exponent = super().number(number).partition("e")
        times = "" if mantissa in ("", "1") else rf"{mantissa} \cdot "
        return f"{times}10^{{{int(exponent)}}}" if exponent else mantissa

    def matvec(self, matrix: sp.Expr, vector: sp.Expr) -> str:
        return beside(self.print(matrix, ATOM), self.print(vector, ATOM))

    def outer(self, left: sp.Expr, right: sp.Expr) -> str:
        return beside(self.print(left, ATOM), self.transposed(right))

    def transposed(self, matrix: sp.Expr) -> str:
        return self.print(matrix, ATOM) + r"^{\top}"

    def fraction(self, over: list[sp.Expr], under: list[sp.Expr]) -> str:
        """Stacked, where that is not too wide; what is stacked cannot be broken."""
        above, below = (
            self(p[0]) if len(p) == 1 else self.factors(p) or "1" for p in (over, under)
        )
        if max(em(above), em(below)) < NARROW:
            return rf"\frac{{{plain(above)}}}{{{plain(below)}}}"
        return f"{self.factors(over) or '1'}{BEFORE_FACTOR} / {self.bracket(below)}"

    def apply(
        self,
        function: str,
        arguments: Iterable[sp.Expr],
        power: sp.Expr | None = None,
        below: Iterable[sp.Symbol] = (),
    ) -> str:
        word = FUNCTIONS.get(function, rf"\operatorname{{{function}}}")
        word += script("_", ",".join(map(self.symbol, below)))
        return word + self.exponent(power) + self.bracket(", ".join(map(self, arguments)))

    def root(self, expr: sp.Expr) -> tuple[str, int]:
        inner = self(expr)
        if em(inner) < NARROW:
            return rf"\sqrt{{{plain(inner)}}}", ATOM
        return self.bracket(inner) + "^{1/2}", POWER

    def exponent(self, number: sp.Expr | None) -> str:
        if number is None:
            return ""
        return f"^{{{number if isinstance(number, sp.Rational) else self(number)}}}"

    def bracket(self, text: str) -> str:
        return rf"\Bigl({text}\Bigr)" if r"\frac" in text else f"({text})"


def stems(names: Iterable[Name]) -> dict[str, list[str]]:
    """Each word as a letter and its subscripts; as it stands where that would be another's."""
    made: dict[str, list[str]] = {}
    for word in dict.fromkeys(name.word for name in names):
        stem = _stem(word)
        if word[:-1] in made and word.endswith("_"):  # a name that was taken already
            letter, *subscripts = made[word[:-1]]
            stem = [letter + "'", *subscripts]
        made[word] = [verbatim(word)] if stem in made.values() else stem
    return made


def _stem(name: str) -> list[str]:
    """``W_i`` is W and i, ``h1`` is h and 1, ``W_in_x`` is W and in_x, ``gain_z`` is gain and z;
    ``gate`` and ``step_size`` are themselves."""
    if name == "lambda_":  # for which Python has another use
        return [r"\lambda"]
    first, *others = re.sub(r"^([A-Za-z])([0-9]+)(?=_|$)", r"\1_\2", name).split("_")
    letter, subscripts = word(first), [word(part) for part in others]
    long = [part.startswith(r"\mathrm") for part in (letter, *subscripts)]
    if "" in others or first in FUNCTIONS or (long[0] and (any(long[1:]) or not others)):
        return [verbatim(name)]
    if any(part.startswith(r"\mathrm") for part in subscripts):
        return [letter, verbatim("_".join(others))]
    return [letter, *subscripts]


def word(part: str) -> str:
    """One part of a name: a Greek letter, a letter or a number, else upright."""
    if part in GREEK or part in SPELLED:
        return SPELLED.get(part, rf"\{part}")
    return part if len(part) == 1 or part.isdigit() else verbatim(part)


def verbatim(name: str) -> str:
    """A name as it stands. A long one has spaces, which do not show, where source can be broken."""
    pieces = [name[start : start + 40] for start in range(0, len(name), 40)]
    return rf"\mathrm{{{' '.join(pieces)}}}".replace("_", r"\_")


def script(sign: str, text: str) -> str:
    """A subscript or superscript, in braces where it takes them."""
    return "" if not text else f"{sign}{text}" if len(text) == 1 else f"{sign}{{{text}}}"


def beside(left: str, right: str) -> str:
    """Two symbols side by side, apart where one is a whole word."""
    return left + BEFORE_OPERAND + (r" \, " if r"\mathrm" in left + right else " ") + right


def listed(symbols: Iterable[str]) -> str:
    """Formulas in running text: ``$a$, $b$ and $c$``."""
    return about.listed(f"${symbol}$" for symbol in symbols)


def shape(axes: Axes) -> str:
    """A shape as mathematics has it: $H \times I$."""
    return r" \times ".join(word(axis.letter) for axis in axes) or "1"


def count(parameters: Iterable[Quantity]) -> str:
    """The number of entries in parameters: $4HI + 4H^2 + 4H$."""
    terms = []
    for axes, times in Counter(q.axes for q in parameters).items():
        letters = Counter(word(axis.letter) for axis in axes)
        powers = [letter + script("^", str(n) if n > 1 else "") for letter, n in letters.items()]
        number = str(times) if times > 1 or not powers else ""
        terms.append(number + r" ".join(powers))
    return " + ".join(terms) or "0"
