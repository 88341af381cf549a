"""Where the nodes of a graph stand: each in a column and a row of a coarse grid.

From the top: a row for each rail of memory, rows of operations, the row of layers, a row for each
state that is no memory but only handed on, and the inputs below. Columns follow the order of
evaluation. An operation stands above what it reads, or below where that comes down from a rail, so
that most lines are straight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from derive.display.diagram.graph import Graph, Node
from derive.nodes import Quantity

DEEPEST = 4  # rows of operations; what is deeper goes on to the side


@dataclass(frozen=True)
class Placement:
    """The cell of each node, and the graph.

    columns  the keys that stand in each column
    row      the row of each key
    """

    graph: Graph
    columns: tuple[tuple[str, ...], ...]
    row: dict[str, int]

    @cached_property
    def column(self) -> dict[str, int]:
        """The column of each key."""
        return {key: n for n, keys in enumerate(self.columns) for key in keys}

    @cached_property
    def layers(self) -> int:
        """The row of the layers."""
        return max(
            (self.row[node.key] for node in self.graph.of_kind("layer")), default=self.height
        )

    @cached_property
    def height(self) -> int:
        """The number of rows."""
        return max(self.row.values()) + 1

    def moved(self, key: str, column: int, row: int) -> Placement:
        """The same with a node in another place."""
        columns = [[k for k in keys if k != key] for keys in self.columns]
        columns[column].append(key)
        return self.kept(columns, self.row | {key: row})

    def apart(self, key: str, at: int, row: int) -> Placement:
        """The same with a node in a new column of its own, before another column."""
        columns = [[k for k in keys if k != key] for keys in self.columns]
        columns.insert(at, [key])
        return self.kept(columns, self.row | {key: row})

    def between(self, key: str, column: int, at: int) -> Placement:
        """The same with a node in a new row of its own, above another row."""
        below = {k: row + (row >= at) for k, row in self.row.items()}
        return replace(self, row=below).moved(key, column, at)

    def kept(self, columns: Iterable[Iterable[str]], row: dict[str, int]) -> Placement:
        """Other places, without columns and rows that have become empty."""
        rows = {old: new for new, old in enumerate(sorted({*row.values()}))}
        return replace(
            self,
            columns=tuple(tuple(keys) for keys in columns if keys),
            row={key: rows[at] for key, at in row.items()},
        )

    def shifted(self, at: int, to: int) -> Placement:
        """The same with a column elsewhere."""
        order = list(self.columns)
        order.insert(to, order.pop(at))
        return replace(self, columns=tuple(order))

    def exchanged(self, one: Quantity, other: Quantity) -> Placement:
        """The same with the rows of two states exchanged."""
        rows = {one: self.row[f"enter {other}"], other: self.row[f"enter {one}"]}
        places = {
            key: row
            for state, row in rows.items()
            for key in (f"enter {state}", *self.graph.rails.get(state, ()), f"leave {state}")
        }
        return replace(self, row=self.row | places)

    @cached_property
    def is_sound(self) -> bool:
        """Whether all rails run from left to right, layers read nothing from further right, and no
        two nodes stand in one place."""
        column, graph = self.column, self.graph
        places = {(column[key], self.row[key]) for key in graph.nodes}
        rails = [(f"enter {s}", *keys, f"leave {s}") for s, keys in graph.rails.items()]
        steps = [pair for keys in rails for pair in pairwise(keys)]
        reads = [
            (operand.source, node.key)
            for node in graph.of_kind("layer", "merge")
            for operand in node.operands
            if graph.nodes[operand.source].kind != "state"
        ]
        sides = [_side(graph.nodes[key]) for keys in self.columns for key in keys]
        return (
            len(places) == len(graph.nodes)
            and sides == sorted(sides)
            and all(column[one] < column[two] for one, two in steps)
            and all(column[one] <= column[two] for one, two in reads)
        )


def _side(node: Node) -> int:
    """Whether a node belongs to the left margin, the middle or the right one."""
    return {"enter": 0, "leave": 2, "output": 2}.get(node.kind, 1)


def place(graph: Graph) -> Placement:
    """The placement by convention, before anything is moved to save crossings."""
    return _Placer(graph).run()


class _Placer:
    def __init__(self, graph: Graph):
        self.graph = graph
        self.memory = [state for state in graph.cell.states if state in graph.rails]
        entering = {node.key for node in graph.of_kind("enter")}
        self.handed = [
            state
            for state in graph.cell.states
            if state not in graph.rails and f"enter {state}" in entering
        ]
        self.up, self.down = self.depths()
        depth = max([*self.up.values(), *self.down.values(), 1])
        self.top = 1 + len(self.memory)
        self.layers = self.top + min(depth, DEEPEST)
        self.columns: list[list[str]] = []
        self.row = {node.key: 0 for node in graph.of_kind("input")}

    def run(self) -> Placement:
        graph = self.graph
        first: list[str] = [node.key for node in graph.of_kind("enter")]
        self.rows_of_states()
        self.columns.append(first)  # without any, an empty margin
        for node in graph.of_kind("merge"):
            if all(operand.source in self.row for operand in node.operands):
                self.visit(node.key)
        for state in self.memory:
            for key in graph.rails[state]:
                self.visit(key)
        # A state that is a box reads its new value, on which the output may not depend.
        for node in [*graph.of_kind("leave", "output"), *graph.of_kind("state")]:
            for operand in node.operands:
                self.visit(operand.source)
        self.inside()
        self.below()
        last = [node.key for node in graph.of_kind("output")]
        self.columns.append(last)
        self.row[last[0]] = 0
        self.columns.append([node.key for node in graph.of_kind("leave")])
        return Placement(graph, tuple(map(tuple, self.columns)), self.row)

    def rows_of_states(self) -> None:
        for n, state in enumerate(self.memory):
            for key in (f"enter {state}", *self.graph.rails[state], f"leave {state}"):
                self.row[key] = 1 + n
        for n, state in enumerate(self.handed):
            self.row[f"enter {state}"] = self.row[f"leave {state}"] = self.layers + 1 + n

    def inside(self) -> None:
        """States that are boxes, in the middle."""
        states = self.graph.of_kind("state")
        for node in states:
            self.put(node.key, self.top, 1 + len(self.columns) // 2)

    def below(self) -> None:
        """The inputs, each under the first merge or else the first node that reads it; a state that
        it becomes stands at the edge, and is no place to be under."""
        for node in self.graph.of_kind("input"):
            readers = [key for key in self.graph.readers[node.key] if self.is_placed(key)]
            merges = [key for key in readers if key.startswith("merge")]
            at = min((self.at(key) for key in merges or readers), default=0)
            if not merges or self.is_second(at):
                self.columns.insert(max(at, 1), [])
                at = max(at, 1)
            self.columns[at].append(node.key)
            self.row[node.key] = self.layers + 1 + max(len(self.handed), 1)

    def is_second(self, at: int) -> bool:
        """Whether something stands below the row of merged lines in a column."""
        return any(self.row[key] > self.layers + 1 for key in self.columns[at])

    def depths(self) -> tuple[dict[str, int], dict[str, int]]:
        """For operations off the rails: how far above the layers, or how far below the rails."""
        up: dict[str, int] = {}
        down: dict[str, int] = {}
        for node in self.graph.of_kind("operation"):
            sources = [operand.source for operand in node.operands]
            if node.key in self.graph.on_rail:
                down[node.key] = 0
            elif any(source in down for source in sources):
                down[node.key] = 1 + max(down[s] for s in sources if s in down)
            else:
                up[node.key] = 1 + max((up.get(s, 0) for s in sources), default=0)
        return up, down

    def at(self, key: str) -> int:
        """The column of a key."""
        return next(n for n, keys in enumerate(self.columns) if key in keys)

    def put(self, key: str, row: int, at: int) -> None:
        """A node into a new column."""
        self.columns.insert(at, [key])
        self.row[key] = row

    def is_placed(self, key: str) -> bool:
        return any(key in keys for keys in self.columns)

    def visit(self, key: str) -> None:
        """Place a node, after all that it reads."""
        node = self.graph.nodes[key]
        if node.kind not in {"layer", "operation", "merge"} or self.is_placed(key):
            return
        for operand in node.operands:
            self.visit(operand.source)
        if node.kind == "layer":
            self.put(key, self.layers, len(self.columns))
        elif node.kind == "merge":
            self.put(key, self.layers + 1, len(self.columns))
        else:
            self.operation(node)

    def operation(self, node: Node) -> None:
        """Place an operation: in line with something that it reads, if there is room."""
        row = self.row.get(node.key, self.row_of(node))
        placed = [o.source for o in node.operands if self.is_inner(o.source)]
        least = self.last_on_rail(node)
        in_line = [source for source in placed if source not in self.graph.on_rail]
        for source in sorted(in_line, key=self.at, reverse=True):
            at = self.at(source)
            if at > least and self.is_free(at, row, self.row[source]):
                self.columns[at].append(node.key)
                self.row[node.key] = row
                return
        after = max([least, *map(self.at, placed)])
        self.put(node.key, row, after + 1)

    def row_of(self, node: Node) -> int:
        if node.key in self.up:
            return max(self.layers - self.up[node.key], self.top)
        return min(self.top - 1 + self.down[node.key], self.layers - 1)

    def is_inner(self, key: str) -> bool:
        return self.graph.nodes[key].kind in {"layer", "operation"}

    def last_on_rail(self, node: Node) -> int:
        """The column of the operation before it on its rail."""
        state = self.graph.on_rail.get(node.key)
        keys = [] if state is None else [f"enter {state}", *self.graph.rails[state]]
        before = keys[: keys.index(node.key)] if keys else []
        return max((self.at(key) for key in before), default=0)

    def is_free(self, at: int, row: int, source: int) -> bool:
        """Whether a column is empty from a row to beside another."""
        between = range(min(row, source), max(row, source) + 1)
        return row != source and not any(
            self.row[key] in between for key in self.columns[at] if self.row[key] != source
        )
