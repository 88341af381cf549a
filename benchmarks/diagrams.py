"""The diagrams' layout beside ELK's: lines that cross, and bends.

ELK's layered algorithm draws the same graphs: the same nodes and edges, what enters in the first
layer and what leaves in the last one, in the order in which we have them, at right angles. A line
is all that leaves one node, and has one port there and one at each of its readers, so that no two
lines run along each other. A crossing is a place where two lines cross; a bend is a place where a
line turns, however many of its branches do there.

Run `make bench-diagrams`; it takes a minute, needs Node, and installs elkjs into build/elk. What
ELK does, and what we do, is kept in benchmarks/elk.json, which the tests hold our layout to.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from derive.display.diagram.arrange import arrange
from derive.display.diagram.graph import graph
from derive.display.diagram.route import Routes
from derive.library import load, names

HERE = Path(__file__).parent
KEPT = HERE / "elk.json"
OPTIONS = {
    "elk.algorithm": "layered",
    "elk.direction": "RIGHT",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.layered.crossingMinimization.semiInteractive": "true",  # the given order
}
LAYERS = {"enter": "FIRST", "input": "FIRST", "leave": "LAST", "output": "LAST"}
SIZES = {"layer": (44, 30), "operation": (22, 22)}

Position = tuple[float, float]
Lines = Mapping[str, Iterable[tuple[Position, ...]]]  # for each source, its ways: corners and ends


def bends(lines: Lines) -> int:
    """The places where a line turns."""
    return len({(s, at) for s, ways in lines.items() for way in ways for at in _turns(way)})


def _turns(way: tuple[Position, ...]) -> Iterator[Position]:
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


def counted(lines: Lines) -> dict[str, int]:
    """How many of both."""
    return {"crossings": crossings(lines), "bends": bends(lines)}


def _crossed(one, other) -> Iterator[Position]:
    """Where a level part crosses an upright one."""
    if one[0][0] == one[1][0]:
        one, other = other, one
    ((left, y), (right, y2)), ((x, top), (x2, bottom)) = one, other
    if y == y2 and x == x2 and left < x < right and top < y < bottom:
        yield x, y


def edges(routes: Routes) -> list[list[int]]:
    """From where to where lines lead: by this the tests know that ELK drew the same graph."""
    nodes = routes.grid.placement.graph.nodes
    number = {key: n for n, key in enumerate(nodes)}
    return [[number[o.source], number[key]] for key, node in nodes.items() for o in node.operands]


def ours(routes: Routes) -> Lines:
    """Our lines, on their grid."""
    lines: dict[str, list[tuple[Position, ...]]] = {}
    for way in routes.ways:
        at = map(routes.grid.at, way.corners)
        points = tuple((float(column), float(row)) for row, column in at)
        lines.setdefault(way.source, []).append(points)
    return lines


# --- ELK -----------------------------------------------------------------------------------------


def elk_graph(routes: Routes) -> dict:
    """A graph as ELK reads it."""
    placement = routes.grid.placement
    nodes = []
    for node in placement.graph.nodes.values():
        width, height = SIZES.get(node.kind, (1, 1))
        made = {"id": node.key, "width": width, "height": height}
        made["layoutOptions"] = {"elk.portConstraints": "FIXED_SIDE"}
        if node.kind in LAYERS:
            made["layoutOptions"] |= {
                "elk.layered.layering.layerConstraint": LAYERS[node.kind],
                "elk.position": f"(0, {placement.row[node.key]})",
            }
        made["ports"] = [_port(f"{node.key} out", "EAST")]
        made["ports"] += [_port(f"{node.key} in {n}", "WEST") for n in range(len(node.operands))]
        nodes.append(made)
    lines = [
        {"id": f"{node.key} {n}", "sources": [f"{o.source} out"], "targets": [f"{node.key} in {n}"]}
        for node in placement.graph.nodes.values()
        for n, o in enumerate(node.operands)
    ]
    return {"id": "graph", "layoutOptions": OPTIONS, "children": nodes, "edges": lines}


def _port(key: str, side: str) -> dict:
    return {"id": key, "width": 0, "height": 0, "layoutOptions": {"elk.port.side": side}}


def elk_lines(laid: dict) -> Lines:
    """The lines that ELK laid."""
    lines: dict[str, list[tuple[Position, ...]]] = {}
    for edge in laid["edges"]:
        for part in edge["sections"]:
            points = [part["startPoint"], *part.get("bendPoints", []), part["endPoint"]]
            way = tuple((round(p["x"], 3), round(p["y"], 3)) for p in points)
            lines.setdefault(edge["sources"][0], []).append(way)
    return lines


def elk(drawn: Iterable[Routes], modules: Path) -> list[Lines]:
    """The lines that ELK lays for some graphs."""
    command = ["node", str(HERE / "elk.mjs"), str(modules.resolve())]
    graphs = json.dumps([elk_graph(routes) for routes in drawn])
    done = subprocess.run(command, input=graphs, capture_output=True, text=True, check=True)
    return [elk_lines(laid) for laid in json.loads(done.stdout)]


# --- both ----------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description="The diagrams' layout beside ELK's.")
    parser.add_argument("modules", type=Path, help="the folder that has node_modules/elkjs")
    arguments = parser.parse_args()
    drawn = {name: arrange(graph(load(name))) for name in names()}
    table = Table("cell", "crossings", "ELK's", "bends", "ELK's")
    kept = {}
    for (name, routes), theirs in zip(
        drawn.items(), elk(drawn.values(), arguments.modules), strict=True
    ):
        own, figures = counted(ours(routes)), counted(theirs)
        kept[name] = figures | {"ours": own, "edges": edges(routes)}
        table.add_row(name, *(str(of[what]) for what in figures for of in (own, figures)))
    Console().print(table)
    rows = (f"{json.dumps(name)}: {json.dumps(figures)}" for name, figures in kept.items())
    KEPT.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
