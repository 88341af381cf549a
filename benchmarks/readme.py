"""The table in the project's README, between two marks: the shortest answer."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CONTESTANTS, UNFUSED
from benchmarks.grid import BOTH, FORWARD, GRID
from benchmarks.ratios import Figure, mean, others, ours, ratio
from benchmarks.table import short, table

PLOT = "benchmarks/results/speed.svg"
README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- speed: written by make bench -->", "<!-- end of speed -->"

COLUMNS = (
    ("LSTM, forward + backward: `nn.LSTM`", ("lstm",), BOTH, "torch"),
    ("LSTM, forward: onnxruntime", ("lstm",), FORWARD, "onnxruntime"),
    ("GRU, forward + backward: `nn.GRU`", ("gru:reset=after",), BOTH, "torch"),
    ("four cells, forward + backward: PyTorch eager", UNFUSED, BOTH, "eager"),
    ("the same: JAX", UNFUSED, BOTH, "jax"),
)

INTRODUCTION = """\
The time of the generated {whose} code over that of others, so that below 1 it is faster, on
{on}:

"""
CONCLUSION = f"""
Four cells without a fused kernel: peephole, MGU, LEM and layer normalisation; their median.

![the ratios of each cell and peer, with their spread]({PLOT})
"""
LAYERS = """
In PyTorch, the LSTM's layer with this code takes {theirs} of the time of `nn.LSTM`, and {own} of
that of the code itself: the geometric means over these shapes, forward + backward.
"""


def write(found: dict[str, Any], path: Path = README) -> None:
    """Put the table between the marks."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{path} has no {BEGIN} followed by {END}")
    path.write_text(f"{before}{BEGIN}\n\n{section(found)}\n{END}{after}", encoding="utf-8")


def section(found: dict[str, Any]) -> str:
    """A row for each shape of the grid: our time over the others'."""
    machine, times = found["machine"], found["times"]
    whose = CONTESTANTS[ours(times[0])].title.removeprefix("Cellwright, ")
    rows = [
        [
            str(shape),
            *(ratios(times, cells, measure, shape, peer) for _, cells, measure, peer in COLUMNS),
        ]
        for shape in GRID
    ]
    lines = table(["(T, B, I, H)", *(heading for heading, *_ in COLUMNS)], rows)
    on = f"{machine['processor']} with {machine['vectors']}, {machine['threads']} threads, float32"
    text = INTRODUCTION.format(whose=whose, on=on) + "\n".join(lines) + CONCLUSION
    return text + of_layers(found)


def of_layers(found: dict[str, Any]) -> str:
    """A sentence about the layer for PyTorch, where it was measured."""
    figures = [figure for figure in found.get("torch", []) if figure["cell"] == "lstm"]
    needed = {"layer", "compiled", "torch"}
    if not figures or not all(needed <= figure["rounds"].keys() for figure in figures):
        return ""
    own, theirs = (short(mean(figures, other, "layer")) for other in ("compiled", "torch"))
    return LAYERS.format(own=own, theirs=theirs)


def ratios(times: list[Figure], cells: Any, measure: str, shape: Any, peer: str) -> str:
    """The ratio, or the median of several cells'."""
    found = [
        ratio(figure, peer).value
        for figure in times
        if figure["cell"] in cells
        and (figure["measure"], tuple(figure["shape"])) == (measure, shape)
        and peer in others(figure)
    ]
    return short(median(found)) if found else ""
