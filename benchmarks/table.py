"""The figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from statistics import median
from typing import Any

from benchmarks import layers
from benchmarks.contestants import CONTESTANTS
from benchmarks.grid import BOTH, MEASURES
from benchmarks.ratios import Figure, Ratio, floor, others, ours, ratio

INTRODUCTION = """\
Written by `make bench`. Each figure but those in a column of times is **our time over another's, so
that below 1 we are faster**: the ratio of the medians over all rounds and, in brackets, the
quartiles of the rounds' own ratios. All compute the same numbers in float32, which is checked
first, with the same number of threads, each in a process of its own, turn by turn. What a library
compiles or loads at its first call is not counted. `forward` is for the outputs alone: ours keeps
what `backward` needs all the same, the others do not. *Products* are the matrix products that the
equations need and nothing else, by the faster of NumPy's and PyTorch's BLAS: the floor.
"""
MEMORY = """\
Above what there was before the first call: results, what is kept for `backward`, and what a library
keeps for the next call, the code that it has compiled among it.
"""
COMPILE = {"jax", "torch.compile"}

DERIVING = """\
From equations to files, after imports, each in a fresh process; in brackets, how much is written.
SymForce and wrenfold write matrices out element by element, CasADi keeps them whole; all three are
told the sizes. What Cellwright writes serves all sizes, and has the loop over time, its gradient,
`jvp`, `hvp`, checks of arguments and documentation besides.
"""


def page(found: dict[str, Any]) -> str:
    """All tables."""
    parts = machine(found), times(found), torch(found), first(found), memory(found), deriving(found)
    return "\n".join(["# Speed", "", INTRODUCTION, *chain(*parts)])


def machine(found: dict[str, Any]) -> Iterator[str]:
    """What it was measured on, and what was not there."""
    m, effort = found["machine"], found["effort"]
    rates = ", ".join(f"{rate} ({name})" for name, rate in m["products"].items())
    versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
    rounds = f"{effort['rounds']} rounds, turns of {effort['seconds']} s"
    yield from table(
        ("", ""),
        [
            ("processor", f"{m['processor']}, {m['cores']} cores, {m['vectors']}"),
            ("products of matrices, GFLOP/s", rates),
            ("threads", f"{m['threads']} for everybody"),
            ("rounds", rounds),
            ("system", f"{m['system']}, Python {m['python']}, {m['compiler'] or 'no compiler'}"),
            ("versions", versions),
        ],
    )
    for why in found["missing"]:
        yield f"Not measured: {why}."
        yield ""


def times(found: dict[str, Any]) -> Iterator[str]:
    """A table for each cell and measure."""
    figures = found["times"]
    for cell in dict.fromkeys(figure["cell"] for figure in figures):
        for measure in MEASURES:
            rows = [f for f in figures if (f["cell"], f["measure"]) == (cell, measure)]
            if rows:
                yield from (f"## {cell}, {measure}", "")
                yield from compared(rows)


def compared(rows: list[Figure]) -> Iterator[str]:
    names = list(dict.fromkeys(name for figure in rows for name in others(figure)))
    titles = [CONTESTANTS[name].title for name in names]
    has_floor = any(floor(figure) for figure in rows)
    heading = ["(T, B, I, H)", f"{CONTESTANTS[ours(rows[0])].title}, ms", *titles]
    yield from table(
        heading + ["products"] * has_floor,
        [
            [
                shape(figure),
                f"{1e3 * median(figure['rounds'][ours(figure)]):.3g}",
                *(cell(ratio(figure, n) if n in figure["rounds"] else None) for n in names),
            ]
            + [cell(floor(figure))] * has_floor
            for figure in rows
        ],
    )


def torch(found: dict[str, Any]) -> Iterator[str]:
    """Our layers for PyTorch."""
    rows = list(layers.rows(found))
    if rows:
        yield from (layers.TITLE, "", layers.INTRODUCTION)
        yield from table(layers.HEADING, rows)


def first(found: dict[str, Any]) -> Iterator[str]:
    """The seconds of first calls, of those who compile then."""
    rows = [f for f in found["times"] if f["measure"] == BOTH and COMPILE & f["rounds"].keys()]
    if not rows:
        return
    yield from ("## What the first call takes, forward + backward, s", "")
    names = [name for name in CONTESTANTS if name in COMPILE]
    seconds = [[f"{f['first'][n]:.1f}" if n in f["first"] else "" for n in names] for f in rows]
    yield from table(
        ["cell", "(T, B, I, H)", *(CONTESTANTS[name].title for name in names)],
        [[f["cell"], shape(f), *row] for f, row in zip(rows, seconds, strict=True)],
    )


def memory(found: dict[str, Any]) -> Iterator[str]:
    """The peaks, in MB."""
    figures = found["memory"]
    if not figures:
        return
    yield from ("## Peak memory, forward + backward, MB", "", MEMORY)
    names = [n for n in CONTESTANTS if any(n in figure["bytes"] for figure in figures)]
    yield from table(
        ["cell", "(T, B, I, H)", *(CONTESTANTS[name].title for name in names)],
        [
            [figure["cell"], shape(figure), *(megabytes(figure["bytes"].get(n)) for n in names)]
            for figure in figures
        ],
    )


def deriving(found: dict[str, Any]) -> Iterator[str]:
    """Seconds, and what was written, by size."""
    figures = found["deriving"]
    if not figures:
        return
    sizes = list(dict.fromkeys(figure["size"] for figure in figures))
    yield from ("## Deriving and writing: one step of the LSTM and its gradient, s", "", DERIVING)
    by_who: dict[str, list[str]] = {}
    for figure in figures:
        written = f"{figure['seconds']:#.2g} ({figure['bytes'] / 1e3:.0f} kB)"
        by_who.setdefault(figure["who"], []).append(written)
    yield from table(
        ["", *(f"I = H = {size}" for size in sizes)], [[who, *r] for who, r in by_who.items()]
    )


def table(heading: Any, rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(heading)} |"
    yield f"|{'|'.join(['---', *['---:'] * (len(heading) - 1)])}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def shape(figure: Figure) -> str:
    return "({})".format(", ".join(map(str, figure["shape"])))


def cell(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    return f"**{short(ratio.value)}** ({short(ratio.low)}–{short(ratio.high)})"


def short(value: float) -> str:
    """Two digits, but whole numbers from ten on."""
    return f"{value:.0f}" if value >= 10 else f"{value:#.2g}"


def megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f}"
