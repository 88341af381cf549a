"""Finding networks: by file, as cells are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from derive.language.loading import execute
from derive.network.cells import beside
from derive.network.network import Network
from derive.nodes import CellError


def load(what: str) -> Network:
    """The network in that file; ``file.py:Title`` chooses among several.

    Raises CellError, in one sentence, where there is none, or where it is wrong.
    """
    head, colon, title = what.partition(".py:")
    path = Path(f"{head}.py" if colon else head)
    if not path.is_file():
        raise CellError(f"there is no file {path}")
    with beside(path):
        defined = vars(execute(path)).values()
    found = {one.title: one for one in defined if isinstance(one, Network)}
    if not found:
        raise CellError(
            f"{path} defines no network: write `class MyNetwork(Network): …` with Network from "
            f"derive.network"
        )
    if len(found) > 1 and not title:
        raise CellError(f"{path} defines {', '.join(found)}; say which: {path}:{next(iter(found))}")
    if title and title not in found:
        raise CellError(f"{path}: no network is called {title!r}; there are {', '.join(found)}")
    network = found[title] if title else next(iter(found.values()))
    return network if title else replace(network, name=path.stem)
