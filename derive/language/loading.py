"""Loading a cell's file. Every error in it is reported as file, line and one sentence."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, ModuleType

from derive.cell import Cell
from derive.language.body import current, nothing_declared
from derive.language.declarations import Declaration
from derive.nodes import CellError, Quantity

NUMPY = "NumPy's functions cannot take quantities: use those of derive.language"
VALUELESS = (
    "a quantity has no value while the body runs, so Python's own functions, those of math too, "
    "cannot take it: use those of derive.language"
)
# Python's error messages where something cannot handle quantities, and ours in their place.
INSTEAD = {
    "loop of ufunc": NUMPY,
    "matmul: Input operand": NUMPY,
    "Cannot convert expression to float": VALUELESS,
    "Cannot convert symbols to int": VALUELESS,
    "Cannot round symbolic expression": VALUELESS,
    "object is not subscriptable": (
        "no entry of a vector or a matrix can be taken out: an equation holds for all entries, "
        "and what is treated apart is a quantity of its own"
    ),
    "has no len()": "a quantity has no length while the body runs: its axis, as H, is its size",
    "truth value of Relational": (
        "a quantity has no value while the body runs, so it cannot be a condition: use where, "
        "maximum, minimum or relu of derive.language"
    ),
    "object is not iterable": (
        "a quantity is not a list that Python's own functions go through: import sum, largest and "
        "the others from derive.language"
    ),
    "unsupported operand type(s) for @": (
        "one side of @ must have a name: write M = U * V, an equation, and M @ (r * h)"
    ),
    "object has no attribute 'T'": (
        "a matrix must have a name to be transposed: write M = U * V, an equation, and M.T @ h"
    ),
}


def execute(path: Path) -> ModuleType:
    """Run a cell's file as a Python module; CellError for any error in it."""
    tree, code = _compiled(path)
    module = ModuleType(f"_cell_{path.stem}")
    module.__file__ = str(path)
    with nothing_declared():
        try:
            exec(code, vars(module))
        except (Exception, SystemExit) as error:  # the file's own code may raise anything
            _check_bodies(tree, path, module)
            line = _line(error, path)
            said = _no_cell(tree, line, module) or _sentence(error, tree)
            raise CellError(f"{path}:{line}: {said}") from error
        _check_bodies(tree, path, module)
    return module


def _compiled(path: Path) -> tuple[ast.Module, CodeType]:
    try:
        tree = ast.parse(path.read_bytes())
        return tree, compile(tree, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = f":{error.lineno}" if error.lineno else ""
        raise CellError(f"{path}{line}: {error.msg}") from None
    except ValueError as error:  # null bytes, for some versions of Python
        raise CellError(f"{path}: {error}") from None
    except (RecursionError, MemoryError):
        raise CellError(f"{path}: an expression is nested too deeply for Python") from None


def _line(error: BaseException, path: Path) -> int:
    """The line of the file that raised the error."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno for f in frames if Path(f.filename).resolve() == path.resolve()]
    return (lines or [0])[-1] or 0


def _no_cell(tree: ast.Module, line: int, module: ModuleType) -> str:
    """What to say where a class with declarations in it is none of ours; "" elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.bases:
            called = [c.func for c in ast.walk(node) if isinstance(c, ast.Call)]
            words = [vars(module).get(c.id) for c in called if isinstance(c, ast.Name)]
            declares = any(isinstance(w, type) and issubclass(w, Declaration) for w in words)
            if declares and node.lineno <= line <= (node.end_lineno or line):
                return f"`{node.name}` is no cell yet: write `class {node.name}(Cell):`"
    return ""


def _sentence(error: BaseException, tree: ast.Module) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, CellError):
        return text
    if isinstance(error, NameError) and error.name:
        family, _, member = error.name.partition("_")
        hint = f"; is it {family}.{member}?" if member and family in current().families else ""
        stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        if f"{error.name}_next" in stored:
            hint = f"; if it is a state, declare it: {error.name} = State()"
        return f"`{error.name}` is not defined{hint}"
    if isinstance(error, AttributeError) and isinstance(error.obj, Quantity):
        return f"`{error.obj}` has no member `{error.name}`: it is a quantity, not a family"
    if isinstance(error, ModuleNotFoundError):
        return f"there is no module called {error.name}: it is not installed, or not found"
    for said, instead in INSTEAD.items():
        if said in text:
            return instead
    return f"{type(error).__name__}: {text}"


def _check_bodies(tree: ast.Module, path: Path, module: ModuleType) -> None:
    """CellError where a cell's body does with a quantity what Python lets pass, in silence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            quantities = _quantities(node.name, module)
            _check_decisions(node, path, quantities | _places(node))
            _check_functions(node, path, quantities, module)


def _check_decisions(body: ast.ClassDef, path: Path, quantities: set[str]) -> None:
    """CellError where a cell's body compares a quantity, or tests whether it is true.

    Python would always give the same answer, since a quantity is a symbol, and so would silently
    take one of two branches.
    """
    chosen = {id(part) for part in _conditions(body)}
    for name in _named_in((p for p in _asked(body) if id(p) not in chosen), quantities):
        instead = INSTEAD["truth value of Relational"]
        raise CellError(
            f"{path}:{name.lineno}: `{name.id}` is compared or tested here, but {instead}"
        )


def _check_functions(
    body: ast.ClassDef, path: Path, quantities: set[str], module: ModuleType
) -> None:
    """CellError where a cell's body gives a quantity to a function of NumPy's.

    Some take it for an array with one entry, and give it back: np.sum(h) would be h.
    """
    for call in ast.walk(body):
        if isinstance(call, ast.Call) and _is_numpy(call.func, module):
            for _ in _named_in([*call.args, *call.keywords], quantities):
                raise CellError(f"{path}:{call.lineno}: {NUMPY}")


def _named_in(parts: Iterable[ast.AST], quantities: set[str]) -> Iterator[ast.Name]:
    """The quantities that are named in parts of a file."""
    for node in (n for part in parts for n in ast.walk(part)):
        if isinstance(node, ast.Name) and node.id in quantities:
            yield node


def _is_numpy(function: ast.expr, module: ModuleType) -> bool:
    """Whether an expression in a file is a function of NumPy's, by the name it has there."""
    while isinstance(function, ast.Attribute):
        function = function.value
    meant = vars(module).get(function.id) if isinstance(function, ast.Name) else None
    home = meant.__name__ if isinstance(meant, ModuleType) else getattr(meant, "__module__", None)
    return str(home).partition(".")[0] == "numpy"


def _quantities(name: str, module: ModuleType) -> set[str]:
    """The names of a cell's quantities, of those defined so far if its body failed."""
    if not hasattr(module, name):
        return current().quantities()
    cell = getattr(module, name)
    return {q.name for q in cell.quantities} if isinstance(cell, Cell) else set()


def _conditions(body: ast.AST) -> Iterator[ast.AST]:
    """The comparisons that `where` chooses by; whether two are equal is not among them."""
    for node in ast.walk(body):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "where" and node.args:
            condition = node.args[0]
            asks = condition.ops if isinstance(condition, ast.Compare) else [ast.Eq()]
            if not any(isinstance(operator, ast.Eq | ast.NotEq) for operator in asks):
                yield condition


def _places(body: ast.AST) -> set[str]:
    """The names that functions in it give to row and column, which have no value, either."""
    functions = [node.args for node in ast.walk(body) if isinstance(node, ast.Lambda)]
    return {a.arg for f in functions for a in f.args[: len(f.args) - len(f.defaults)]}


def _asked(body: ast.AST) -> Iterator[ast.AST]:
    """The expressions that are tested for truth, and comparisons."""
    for node in ast.walk(body):
        if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
            yield node.test
        elif isinstance(node, ast.BoolOp | ast.Compare):
            yield node
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand
