"""The ratios of forward + backward and of forward, drawn: a panel for each cell, a line at 1.

Colours that colour-blind people tell apart (Okabe & Ito), and a mark of its own for each peer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from benchmarks.contestants import CONTESTANTS
from benchmarks.grid import BOTH, FORWARD
from benchmarks.ratios import Figure, floor, others, ours, ratio
from benchmarks.table import shape

MARKS = {
    "numpy": ("#999999", "o"),
    "torch": ("#D55E00", "s"),
    "eager": ("#E69F00", "s"),
    "torch.compile": ("#CC79A7", "D"),
    "jax": ("#0072B2", "^"),
    "onnxruntime": ("#009E73", "v"),
    "kann": ("#56B4E9", "P"),
}
FLOOR = "the matrix products alone"
COLUMNS = 3


def draw(found: dict[str, Any], path: Path) -> None:
    """Write the plot as SVG, the same bytes for the same figures."""
    panels: dict[tuple[str, str], list[Figure]] = {}
    for figure in found["times"]:
        if figure["measure"] in (FORWARD, BOTH):
            panels.setdefault((figure["cell"], figure["measure"]), []).append(figure)
    rows = -(-len(panels) // COLUMNS)
    with mpl.rc_context({"svg.hashsalt": "speed", "font.size": 9, "svg.fonttype": "path"}):
        drawing = Drawing(figsize=(11, 0.9 + 2.5 * rows), layout="constrained")
        all_axes = drawing.subplots(rows, COLUMNS, sharex=True, squeeze=False).ravel()
        for axes, (title, figures) in zip(all_axes, panels.items(), strict=False):
            panel(axes, ", ".join(title), figures)
        for axes in all_axes[len(panels) :]:
            axes.set_axis_off()
        legend(drawing, all_axes)
        drawing.suptitle(caption(found), fontsize=10)
        drawing.savefig(path, metadata={"Date": None})


def panel(axes: Axes, title: str, figures: list[Figure]) -> None:
    """One cell: a row for each shape, a mark for each peer, a bar from quartile to quartile."""
    places = range(len(figures))
    for name, (colour, mark) in MARKS.items():
        found = [(y, ratio(f, name)) for y, f in enumerate(figures) if name in others(f)]
        if found:
            ys, ratios = zip(*found, strict=True)
            values = [r.value for r in ratios]
            spread = [
                [max(0, r.value - r.low) for r in ratios],
                [max(0, r.high - r.value) for r in ratios],
            ]
            label = CONTESTANTS[name].title
            axes.errorbar(values, ys, xerr=spread, fmt=mark, color=colour, ms=6, label=label)
    lines = [(y, f) for y, figure in enumerate(figures) if (f := floor(figure))]
    if lines:
        ys, floors = zip(*lines, strict=True)
        axes.plot([f.value for f in floors], ys, "|", color="black", ms=12, label=FLOOR)
    axes.axvline(1, color="black", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(places, [shape(figure) for figure in figures])
    axes.set_ylim(len(figures) - 0.5, -0.5)
    axes.grid(axis="x", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title, fontsize=10, loc="left")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(labelbottom=True)
    axes.spines[["top", "right"]].set_visible(False)


def legend(drawing: Drawing, all_axes: Any) -> None:
    entries = {}
    for axes in all_axes:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    drawing.legend(entries.values(), entries, loc="outside lower center", ncols=5, frameon=False)


def caption(found: dict[str, Any]) -> str:
    machine, title = found["machine"], CONTESTANTS[ours(found["times"][0])].title
    return (
        f"Time of {title} over the others': left of 1 it is faster. Rows are (T, B, I, H); "
        f"{machine['processor']}, {machine['vectors']}, {machine['threads']} threads, float32"
    )
