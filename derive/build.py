"""Compiling a cell's C with the compiler of the system, for Python.

A library for each type of numbers, and a module of the cell's name beside them: with the interface
of the one that is generated for NumPy, or PyTorch's.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path
from types import ModuleType

from derive.backends import torch
from derive.backends.c import POLICY, files
from derive.backends.c.binding import binding
from derive.backends.c.network import STORES
from derive.backends.c.network import files as network_files
from derive.backends.c.network_binding import binding as network_binding
from derive.backends.torch.built import layer
from derive.cell import Cell
from derive.network.network import Network
from derive.nodes import CellError
from derive.program.program import Program
from derive.render import render

COMPILERS = ("cc", "gcc", "clang")
SUFFIX = {"Darwin": ".dylib", "Windows": ".dll"}.get(platform.system(), ".so")
# No function of the standard library is asked for an error number, or for a trap.
ALWAYS = ("-std=c99", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math")
LIBRARY = ("-fPIC", "-shared", "-lm")
TENSORS_KEEP = ("all", "states")
# Tried one after the other; what a compiler does not know is left out.
WISHES = (("-fopenmp",), ("-march=native", "-mcpu=native"), ("-mprefer-vector-width=256",))


@dataclass(frozen=True)
class Compiler:
    """A compiler, with the flags that it knows of those that make a library fast."""

    command: tuple[str, ...]
    flags: tuple[str, ...]

    def line(self, define: str) -> tuple[str, ...]:
        """The command that compiles, up to the names of files."""
        more = (define,) if define else ()
        return (*self.command, *ALWAYS, *self.flags, *spoken("CFLAGS"), *more)


def compiler(*, portable: bool = False) -> Compiler:
    """The compiler that CC names, else the first that is found; CellError where there is none.

    A portable library runs on any machine of the processor's family.
    """
    return _compiler(spoken("CC"), portable)


def spoken(variable: str) -> tuple[str, ...]:
    """The words of a variable of the environment, as a shell reads them; CellError if it cannot."""
    text = os.environ.get(variable, "")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise CellError(f"{variable} is {text!r}, which no shell reads: {error}") from None


@cache
def _compiler(named: tuple[str, ...], portable: bool) -> Compiler:
    command = named or tuple(filter(shutil.which, COMPILERS))[:1]
    if not command or not shutil.which(command[0]):
        said = shlex.join(named)
        missing = f"CC names {said!r}, which is not there" if named else "no C compiler"
        raise CellError(
            f"{missing}: install one, for instance gcc (Debian: gcc and libc6-dev; macOS: "
            f"xcode-select --install), or name it in CC"
        )
    wishes = WISHES[:1] if portable else WISHES
    flags: list[str] = []
    for alternatives in wishes:
        flags += next(([f] for f in alternatives if _knows(command, [*flags, f])), [])
    return Compiler(command, tuple(flags))


def _knows(command: tuple[str, ...], flags: list[str]) -> bool:
    """Whether a compiler takes these flags, and makes a library with them."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(render("c/probe.c.j2"))
        line = [*command, "-Werror", *flags, str(source), "-o", f"{folder}/probe{SUFFIX}", *LIBRARY]
        return subprocess.run(line, capture_output=True, check=False).returncode == 0


def arrays(cell: Cell | Network, store: str) -> str:
    """The module with the interface of NumPy's."""
    if isinstance(cell, Network):
        return network_binding(cell, store)
    return binding(Program(cell, store, POLICY))


def tensors(cell: Cell | Network, store: str) -> str:
    """The module with PyTorch's layer; CellError where it cannot keep what it is to keep."""
    if isinstance(cell, Network):
        raise CellError(f"{cell.name} is a network, and a layer for PyTorch is made of a cell")
    if store not in TENSORS_KEEP:
        raise CellError(
            f"the layer for PyTorch does not keep {store!r}; it may be {' or '.join(TENSORS_KEEP)}"
        )
    return layer(Program(cell, store, torch.POLICY), Program(cell, store, POLICY))


def built(
    cell: Cell | Network,
    store: str = "all",
    tell: Callable[[str], None] = lambda _: None,
    interface: Callable[[Cell | Network, str], str] = arrays,
    **how: bool,
) -> dict[str, bytes]:
    """The files of a compiled cell: its C, its libraries, and the module. `tell` is told of every
    command, as it would be run where the files are.

    interface  what writes the module: `arrays` or `tensors`
    """
    sources = written(cell, store)
    texts = {**sources, f"{cell.name}.py": interface(cell, store)}
    contents = {name: text.encode() for name, text in texts.items()}
    chosen, source = compiler(**how), f"{cell.name}.c"
    lines = {library: chosen.line(define) for library, define in libraries(cell)}
    for library, line in lines.items():
        tell(shlex.join(whole(line, source, library)))
    make = partial(_library, source=source, texts=tuple(sources.items()))
    with ThreadPoolExecutor() as team:  # each waits for a compiler
        return contents | dict(zip(lines, team.map(make, lines.values(), lines), strict=True))


def whole(line: tuple[str, ...], source: str, library: str) -> list[str]:
    """A command with the names of the file that it reads, and of the one that it writes."""
    return [*line, source, "-o", library, *LIBRARY]


@lru_cache(maxsize=32)
def _library(
    line: tuple[str, ...], library: str, source: str, texts: tuple[tuple[str, str], ...]
) -> bytes:
    """What a compiler makes of texts. It is remembered, for a person who runs a notebook's cell
    again, and for a proof, which asks for the same network several times."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts:
            Path(folder, name).write_bytes(text.encode())
        made = Path(folder, library)
        run(whole(line, str(Path(folder, source)), str(made)), Path(source).stem)
        return made.read_bytes()


def written(cell: Cell | Network, store: str) -> dict[str, str]:
    """The C of a cell or a network."""
    if not isinstance(cell, Network):
        return dict(files(Program(cell, store, POLICY)))
    if store not in STORES:
        raise CellError(f"no network keeps {store!r}; it may be {' or '.join(STORES)}")
    return network_files(cell, store)


def libraries(cell: Cell | Network) -> Iterator[tuple[str, str]]:
    """A cell's libraries, and what is defined to make each."""
    yield f"{cell.name}_float32{SUFFIX}", ""
    yield f"{cell.name}_float64{SUFFIX}", f"-D{cell.name.upper()}_DOUBLE"


def run(line: list[str], name: str) -> None:
    """Run a compiler; CellError with the first thing it says where it fails."""
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        said = next((s for s in done.stderr.splitlines() if "error" in s), done.stderr.strip())
        raise CellError(f"{name} was not compiled by {line[0]}: {said}")


def compiled(cell: Cell | Network, store: str = "all") -> ModuleType:
    """The compiled module of a cell or a network, ready to use.

    Its files are gone when Python ends.

    Raises CellError, in one sentence, where there is no compiler.
    """
    folder = _folder()
    for name, content in built(cell, store).items():
        Path(folder, name).write_bytes(content)
    return imported(Path(folder, f"{cell.name}.py"))


def _folder() -> str:
    """A folder for the files of one module, until Python ends."""
    made = tempfile.TemporaryDirectory(prefix="cellwright-", ignore_cleanup_errors=True)
    atexit.register(made.cleanup)
    return made.name


def imported(path: Path) -> ModuleType:
    """The module in a file, under a name that hides no other."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
