"""The settings of a cell: options and constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from derive.cell import Setting
from derive.nodes import CellError

_CHOSEN: ContextVar[Mapping[str, str]] = ContextVar("chosen")


@contextmanager
def chosen(values: Mapping[str, str]) -> Iterator[None]:
    """Cells made inside this context have these values of their options and constants."""
    token = _CHOSEN.set(values)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


class Options:
    """The settings of one cell, in the order in which its body names them."""

    def __init__(self):
        self.settings: list[Setting] = []

    def choose(self, name: str, choices: tuple[Any, ...]) -> Any:
        """The choice that is set, or else the first."""
        labels = {_label(choice): choice for choice in choices}
        if len(labels) < 2 or len(labels) < len(choices):
            raise CellError(f"option `{name}`: it needs at least two different choices")
        default = next(iter(labels))
        label = _CHOSEN.get({}).get(name, default)
        if label not in labels:
            raise CellError(f"option `{name}` is {' or '.join(labels)}, not {label!r}")
        self.settings.append(Setting(name, label, default, tuple(labels)))
        return labels[label]

    def number(self, name: str, default: float) -> float:
        """The number that is set for a constant, of the default's type, or else the default."""
        if isinstance(default, bool):
            return self.choose(name, (default, not default))
        kind, text = type(default), _CHOSEN.get({}).get(name)
        try:
            value = default if text is None else kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise CellError(f"constant `{name}` is {wanted}, not {text!r}") from None
        if not math.isfinite(value):
            raise CellError(f"constant `{name}` is a finite number, not {value}")
        self.settings.append(Setting(name, str(value), str(default)))
        return value


def _label(choice: Any) -> str:
    """A choice as it is typed on the command line."""
    if isinstance(choice, bool):
        return str(choice).lower()
    return str(getattr(choice, "__name__", choice))
