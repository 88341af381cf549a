"""The diagrams' layout beside ELK's: lines that cross, and bends.

ELK's layered algorithm draws the same graphs, with the same nodes and edges, states and input in
the first layer, what leaves in the last one, at right angles, lines of one source merged. A line is
all that leaves one node. A crossing is a place where two lines cross; a bend is a place where a
line turns, however many of its branches do there.

Run `make bench-diagrams`; it takes a minute, needs Node, and installs elkjs into build/elk. What
ELK does is kept in benchmarks/elk.json, which the tests hold our layout to.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable, Mapping
from itertools import combinations, pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from derive.cell import Cell
from derive.display.diagram.draw import Drawing
from derive.display.diagram.graph import Graph
from derive.library import load, names

HERE = Path(__file__).parent
KEPT = HERE / "elk.json"
OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "RIGHT",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.layered.mergeEdges": "true",
}
LAYERS = {"enter": "FIRST", "input": "FIRST", "leave": "LAST", "output": "LAST"}

Position = tuple[float, float]
Lines = Mapping[str, Iterable[tuple[Position, ...]]]  # for each source, its ways: corners and ends


def bends(lines: Lines) -> int:
    """The places where a line turns."""
    return len({(s, at) for s, ways in lines.items() for way in ways for at in _turns(way)})


def _turns(way: tuple[Position, ...]) -> Iterable[Position]:
    for before, at, after in zip(way, way[1:], way[2:], strict=False):
        if (before[0] == at[0]) != (at[0] == after[0]):
            yield at


def crossings(lines: Lines) -> int:
    """The places where two lines cross."""
    parts = {
        source: {tuple(sorted(part)) for way in ways for part in pairwise(way)}
        for source, ways in lines.items()
    }
    return len(
        {
            (one, other, place)
            for one, other in combinations(sorted(parts), 2)
            for a in parts[one]
            for b in parts[other]
            for place in _crossed(a, b)
        }
    )


def _crossed(one, other) -> Iterable[Position]:
    """Where a level part crosses an upright one."""
    if one[0][0] == one[1][0]:
        one, other = other, one
    ((left, y), (right, y2)), ((x, top), (x2, bottom)) = one, other
    if y == y2 and x == x2 and left < x < right and top < y < bottom:
        yield x, y


# --- ours, and ELK's -----------------------------------------------------------------------------


def ours(drawing: Drawing) -> dict[str, list[tuple[Position, ...]]]:
    """Our lines, on the grid."""
    width = drawing.routes.grid.width
    lines: dict[str, list[tuple[Position, ...]]] = {}
    for way in drawing.routes.ways:
        points = tuple((float(p % width), float(p // width)) for p in way.corners)
        lines.setdefault(way.source, []).append(points)
    return lines


def edges(graph: Graph) -> list[tuple[str, str]]:
    """What ELK is given, and the fingerprint of its figures."""
    return sorted((o.source, node.key) for node in graph.nodes.values() for o in node.operands)


def elk_graph(drawing: Drawing, ordered: bool) -> dict:
    """A graph as ELK reads it."""
    row = drawing.routes.grid.placement.row

    def options(node) -> dict[str, str]:
        made = {}
        if node.kind in LAYERS:
            made["elk.layered.layering.layerConstraint"] = LAYERS[node.kind]
        if ordered and node.kind in LAYERS:
            made["elk.position"] = f"(0,{row[node.key]})"
        return made

    return {
        "id": drawing.cell.name,
        "layoutOptions": OPTIONS | ({"elk.layered.crossingMinimization.semiInteractive": "true"} if ordered else {}),
        "children": [
            {
                "id": node.key,
                "width": drawing.sizes[node.key][0] or 1,
                "height": drawing.sizes[node.key][1] or 1,
                "layoutOptions": options(node),
            }
            for node in drawing.graph.nodes.values()
        ],
        "edges": [
            {"id": f"e{n}", "sources": [source], "targets": [target]}
            for n, (source, target) in enumerate(edges(drawing.graph))
        ],
    }


def elk_lines(laid: dict) -> dict[str, list[tuple[Position, ...]]]:
    """The lines that ELK laid."""
    lines: dict[str, list[tuple[Position, ...]]] = {}
    for edge in laid["edges"]:
        for part in edge["sections"]:
            points = [part["startPoint"], *part.get("bendPoints", []), part["endPoint"]]
            way = tuple((round(p["x"], 3), round(p["y"], 3)) for p in points)
            lines.setdefault(edge["sources"][0], []).append(way)
    return lines


def elk(drawings: Iterable[Drawing], modules: Path, ordered: bool) -> list[dict]:
    """ELK's figures for some pictures."""
    graphs = json.dumps([elk_graph(drawing, ordered) for drawing in drawings])
    done = subprocess.run(
        ["node", str(HERE / "elk.mjs"), str(modules.resolve())],
        input=graphs,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        {"crossings": crossings(lines), "bends": bends(lines)}
        for lines in map(elk_lines, json.loads(done.stdout))
    ]


def cells() -> Iterable[tuple[str, Cell]]:
    """The library's cells, by name."""
    return [(name, load(name)) for name in names()]


def main() -> None:
    parser = argparse.ArgumentParser(description="The diagrams' layout beside ELK's.")
    parser.add_argument("modules", type=Path, help="the folder that has node_modules/elkjs")
    arguments = parser.parse_args()
    drawings = {name: Drawing(cell) for name, cell in cells()}
    free = elk(drawings.values(), arguments.modules, False)
    figures = elk(drawings.values(), arguments.modules, True)
    table = Table("cell", *("crossings", "ELK's", "free", "bends", "ELK's", "free"))
    kept = {}
    for (name, drawing), figure, fr in zip(drawings.items(), figures, free, strict=True):
        lines = ours(drawing)
        row = crossings(lines), figure["crossings"], fr["crossings"], bends(lines), figure["bends"], fr["bends"]
        print(name, row, "" if row[0]<=row[1] else "WORSE", "" if row[0]<=row[2] else "worse than free", "bend" if row[3]>row[5] else "")
        table.add_row(name, *map(str, row))
        kept[name] = figure | {"edges": edges(drawing.graph)}
    KEPT.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
