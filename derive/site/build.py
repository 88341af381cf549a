"""The files of the site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from derive import VERSION, library
from derive.cell import Cell
from derive.nodes import CellError
from derive.render import render, write_files
from derive.site.code import highlighted
from derive.site.facts import Facts
from derive.site.neighbours import Neighbour, Neighbourhood

ASSETS = ("style.css", "page.js", "index.js", "common.js", "live.js", "front.js")


def files(cells: Iterable[Cell], progress: Callable[[str], None]) -> dict[str, str]:
    """Paths and texts: the front page, the index, a page for each cell, its code, and assets.

    Raises CellError where two cells have one name, since their pages would.
    """
    facts = sorted(map(Facts, cells), key=lambda f: (f.family, f.name))
    by_name = {f.name: f for f in facts}
    for one in facts:
        if by_name[one.name] is not one:
            raise CellError(f"two of the cells are called {one.name}; give their files other names")
    near = Neighbourhood((*facts, *_elsewhere(by_name)))
    made = {f"assets/{name}": render(f"site/{name}.j2") for name in ASSETS}
    for one in facts:
        progress(f"page of {one.name}")
        others = [name for name in by_name if name != one.name]
        made |= _cell(one, near.of(one.name), others)
    made["cells.html"] = index(facts)
    first = by_name.get("lstm") or facts[0]
    source = highlighted(first.source, "python") if first.source else ""
    made["index.html"] = _page("site/front.html.j2", "", cells=facts, first=first, source=source)
    return made


def index(facts: Sequence[Facts]) -> str:
    """The page of all cells."""
    return _page("site/cells.html.j2", "", cells=facts)


def write(made: dict[str, str], folder: Path) -> None:
    """Write the files into a folder and its subfolders."""
    for place in sorted({Path(path).parent for path in made}):
        inside = {Path(p).name: text for p, text in made.items() if Path(p).parent == place}
        write_files(inside, folder / place)


def _elsewhere(here: Iterable[str]) -> list[Facts]:
    """The built-in cells that have no page here, but with which those that do are compared."""
    return [Facts(library.load(name)) for name in library.names() if name not in here]


def _cell(one: Facts, near: list[Neighbour], others: list[str]) -> dict[str, str]:
    about = json.dumps(one.brief | {"others": others})
    text = _page(
        "site/cell.html.j2",
        "../",
        cell=one,
        near=near,
        code=[
            ("NumPy", f"{one.name}.py", highlighted(one.numpy, "python")),
            ("JavaScript", f"{one.name}.js", highlighted(one.javascript, "javascript")),
        ],
        about=about,
        others=others,
        parts=json.dumps(one.parts),
    )
    module = render(
        "site/module.js.j2",
        name=json.dumps(one.name),
        text=json.dumps(one.live),
        about=json.dumps(one.brief),
    )
    pictures = {f"cells/{one.name}-flow.svg": one.flow} if one.flow else {}
    return pictures | {
        f"cells/{one.name}.html": text,
        f"cells/{one.name}.py": one.numpy,
        f"cells/{one.name}.js": one.javascript,
        f"assets/modules/{one.name}.js": module,
    }


def _page(template: str, up: str, **values: object) -> str:
    return render(template, e=escape, up=up, version=VERSION, **values)
