"""The Python module of a compiled network: what its template is filled with."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from derive.backends.c.binding import OWN
from derive.backends.numpy import network
from derive.backends.numpy.network_cells import Named
from derive.backends.numpy.printer import helpers
from derive.backends.python_lines import folded
from derive.network.network import Network
from derive.render import render


def binding(given: Network, store: str = "all") -> str:
    """The text of the module that finds its library beside itself."""
    return folded(render("c/network/binding.py.j2", module=Binding(given, store)))


class CellOfLibrary(Named):
    """A cell whose routines the library has: of Python's, only that is here by which parameters
    begin."""

    dtypes = ("float64", "float32")

    @cached_property
    def helpers(self) -> set[str]:
        """The functions that NumPy has not, and `init` needs."""
        return helpers(self.about.entries.values(), ())


class Binding(network.NetworkModule):
    """The module as its template sees it."""

    dtypes = ("float64", "float32")
    reserved = network.NetworkModule.reserved | OWN

    def named(self, program: Any, prefix: str, kind: str, taken: int, uses: Any) -> Named:
        """A cell under its names; what outputs are compared by is left to NumPy."""
        if "init" not in uses:
            return super().named(program, prefix, kind, taken, uses)
        return CellOfLibrary(program, prefix, kind, taken, ["init"])

    @property
    def first_on_tape(self) -> str:
        """The first array of inputs on the tape."""
        return "tape.xs" if self.has_one_input else "tape.xs[0]"

    @property
    def library(self) -> str:
        """What its name, and those of its functions, begin with."""
        return self.network.name

    @property
    def library_sizes(self) -> list[str]:
        """The sizes of a call, in their order."""
        return list(self.arguments.values())

    @property
    def library_functions(self) -> dict[str, int]:
        """How many arguments each function takes."""
        numbers, masks = int(self.number), int(bool(self.masks))
        found = {"forward": 8 + masks, "backward": 10, "jvp": 10, "hvp": 15}
        if self.network.is_streaming:
            found["step"] = 7
        works = {f"{name}_work": 1 for name in found}
        found = {name: count + numbers for name, count in found.items()}
        if self.network.is_streaming:
            found |= {"prepare": 3, "prepared_size": 1}
        return {**found, "tape_size": 1, **works}
