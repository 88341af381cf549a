"""The language in which a person writes a network, from the inputs to the outputs.

    class Tagger(Network):
        '''Tags every word of a sentence.'''

        words = Bidirectional("gru", 64)
        drop = Dropout(0.2)
        sentence = Layer("lstm_peephole", H, zoneout=0.1)
        tags = Output(10, "cross_entropy")

The body runs as ordinary Python, once. Every layer has a name, which its parameters, its state and
its masks have in the generated code. A cell is built-in, in a file beside the network's, or a class
of the same file; a size is a number, or an axis, such as H, that becomes an argument. A `Map` is
what hands nothing on from step to step: an output of one's own, or a loss.

The class statement gives a `derive.network.network.Network`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from derive.language import Map
from derive.network import network as _network
from derive.network.declarations import Bidirectional, Building, Declaration, Dropout, Layer, Output
from derive.network.loading import load
from derive.nodes import Axis, CellError, H

__all__ = [
    "Axis", "Bidirectional", "Dropout", "H", "Layer", "Map", "Network", "Output", "load",
]  # fmt: skip


class Body(dict[str, Any]):
    """The namespace that a network's body runs in: each assignment adds a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.building = Building()

    def __setitem__(self, name: str, value: Any) -> None:
        if not name.startswith("__"):
            if not isinstance(value, Declaration):
                raise CellError(
                    f"`{name}` is a {type(value).__name__}; a network's body holds Layer, "
                    f"Bidirectional, Dropout and Output"
                )
            if name in self:
                raise CellError(f"`{name}` is defined twice; give each layer a name of its own")
            if self.building.output:
                raise CellError(
                    f"`{name}` stands behind the output `{self.building.output}`, which is the "
                    f"last layer"
                )
            value._place(name, self.building)
        super().__setitem__(name, value)


class _NetworkMeta(type):
    """Runs a network's body in a `Body` and makes the value of it."""

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /) -> Any:  # type: ignore[override]
        return Body() if bases else {}

    def __new__(mcs, name: str, bases: tuple[type, ...], body: Mapping[str, Any]) -> Any:
        if not bases:
            return super().__new__(mcs, name, bases, dict(body))
        assert isinstance(body, Body)
        made = body.building
        return _network.Network(
            name=name.lower(),
            title=name,
            doc=body.get("__doc__") or "",
            stages=tuple(made.stages),
            conditions=tuple(made.conditions),
            loss=made.loss,
        )


class Network(metaclass=_NetworkMeta):
    """Base of a network's class statement; see the module's docstring."""
