"""The house as `derive/compiler.py` and README.md draw it: rooms, and arrows that point one way.

A room is a package or a module directly in `derive/`. Every import counts, those inside functions
and those for types alone as well.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from derive import compiler

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "derive"
# From the ground up: a room imports from those before it and from none behind it.
ROOMS = """
    names nodes elementwise entries deviation largest wellformed cell language cells library
    network linear normal computed adjoint tangent jacobian exact printing program evaluation cost
    render display weights backends compiler build proof gradients site handle notebook cli __main__
""".split()
# The same among the targets. NumPy's interface is that of every module on NumPy's arrays, and its
# notation for parts of arrays that of PyTorch and JAX.
TARGETS = """
    printer lengths about weight python_names python_lines python_interface
    numpy scalar functional javascript c torch jax flax onnx markdown
""".split()
INTERFACE = {"python_module": "numpy"}


def room(path):
    """The room that a module is in."""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imports(path):
    """The rooms that a module imports from, each with the line that does."""
    for first, *_, line in imported(path):
        if first in ROOMS:
            yield first, line


def imported(path):
    """The parts of each name that a module imports from the package, and the line that does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first == "derive":
                yield *rest, node.lineno


MODULES = [
    path for path in sorted(HOUSE.rglob("*.py")) if path.parent != HOUSE or path.stem != "__init__"
]


def test_every_room_has_its_place():
    assert sorted({room(path) for path in MODULES}) == sorted(ROOMS)


@pytest.mark.parametrize("name", ROOMS)
def test_arrows_point_one_way(name):
    place = ROOMS.index(name)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {other}"
        for path in MODULES
        if room(path) == name
        for other, line in imports(path)
        if ROOMS.index(other) > place
    ]
    assert not wrong


def target(name):
    """The room that a part of derive.backends belongs to."""
    return INTERFACE.get(name, name)


def test_every_target_has_its_place():
    parts = {path.name.removesuffix(".py") for path in (HOUSE / "backends").glob("[!_]*")}
    assert sorted(map(target, parts - {"python_module"})) == sorted(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_arrows_between_targets_point_one_way(name):
    """What several targets share stands apart from all of them; none knows of those behind it."""
    place = TARGETS.index(name)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {other[1]}"
        for path in MODULES
        if room(path) == "backends"
        if target(path.relative_to(HOUSE).parts[1].removesuffix(".py")) == name
        for *other, line in imported(path)
        if other[0] == "backends" and target(other[1]) in TARGETS
        if TARGETS.index(target(other[1])) > place
    ]
    assert not wrong


def test_the_stages_are_in_this_order():
    """`derive/compiler.py` lists the stages; each reads what those before it have made."""
    stages = re.findall(r"^ +derive\.(\w+)", compiler.__doc__, re.MULTILINE)
    places = [ROOMS.index(stage) for stage in stages]
    assert len(places) >= 6 and all(one <= two for one, two in pairwise(places))


def test_help_needs_nothing():
    """The command answers at once: it names its targets without SymPy, NumPy or a template."""
    code = (
        "import sys, derive.cli; print(*({'sympy', 'numpy', 'jinja2', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == []
