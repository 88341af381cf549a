"""A figure of matplotlib's in our style, and curves on it with their labels at their ends."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.display.unicode import RAISED
from derive.gradients.flow import Curve
from derive.nodes import CellError

GREY = "#737373"  # 4.7 : 1 on white, 4.4 : 1 on black
GREYS = "text.color axes.labelcolor axes.edgecolor axes.titlecolor xtick.color ytick.color".split()
STYLE: dict[str, Any] = {
    **dict.fromkeys(GREYS, GREY),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "svg.hashsalt": "cellwright",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "auto",
}
Axes = Any  # matplotlib's, which is imported where it is used


@dataclass(frozen=True)
class Line:
    """A curve as it is drawn.

    has_band  whether the quartiles are drawn, too
    """

    label: str
    curve: Curve
    colour: str
    dashes: Any = "-"
    width: float = 1.8
    has_band: bool = True


class Canvas:
    """A figure, and the lines on it, which are named when all of them are there."""

    def __init__(self, figure: Any):
        self.figure = figure
        self.lines: list[tuple[Axes, Sequence[Line]]] = []

    def panels(self, rows: int, columns: int, **more: Any) -> list[list[Axes]]:
        """Panels, by row."""
        return [list(row) for row in self.figure.subplots(rows, columns, squeeze=False, **more)]

    def heading(self, title: str, note: str) -> None:
        """A title, and a line below it in small print."""
        self.figure.suptitle(f"{title}\n", x=0.01, ha="left", fontsize=12)
        self.figure.text(0.01, 1, f"\n\n{note}", va="top", fontsize=8.5)

    def curves(self, axes: Axes, lines: Sequence[Line]) -> None:
        """Medians as lines, quartiles as bands, over the distance."""
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        for line in lines:
            median, lower, upper = (_finite(line.curve.quantile(q)) for q in (0.5, 0.25, 0.75))
            distance = np.arange(len(median))
            if line.has_band:
                axes.fill_between(distance, lower, upper, color=line.colour, alpha=0.15, lw=0)
            axes.plot(distance, median, color=line.colour, ls=line.dashes, lw=line.width)
        axes.set_xlim(0, max(len(line.curve.median) for line in lines) - 1)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(7, integer=True, min_n_ticks=2))
        axes.yaxis.set_major_formatter(FuncFormatter(_power_of_ten))
        self.lines.append((axes, lines))

    def saved(self, form: str, title: str, description: str) -> bytes:
        """The figure as a file of that form, with nothing in it that differs from run to run."""
        self.figure.draw_without_rendering()  # so that it is known where everything is
        for axes, lines in self.lines:
            _name(axes, lines)
        file = io.BytesIO()
        metadata: dict[str, Any] = {"Title": title}
        if form == "svg":
            metadata |= {"Date": None, "Creator": None, "Description": description}
        elif form == "pdf":
            metadata |= {"CreationDate": None, "ModDate": None, "Subject": description}
        paper = "white" if form == "png" else "none"
        self.figure.savefig(file, format=form, metadata=metadata, dpi=200, facecolor=paper)
        return file.getvalue()


@contextmanager
def drawing(width: float, height: float) -> Iterator[Canvas]:
    """A canvas of that many inches; CellError, in one sentence, where there is no matplotlib."""
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise CellError(
            "a picture of gradients needs matplotlib: pip install 'cellwright[plot]'"
        ) from None
    settings: Any = {**mpl.rcParamsDefault, **STYLE}
    with mpl.rc_context(settings):
        yield Canvas(Figure(figsize=(width, height), layout="constrained"))


def _power_of_ten(exponent: float, _: int) -> str:
    return f"10{str(round(exponent)).translate(RAISED)}"


def _finite(values: Any) -> Any:
    """Logarithms, without those of zero."""
    return np.where(np.isfinite(values), values, np.nan)


def _name(axes: Axes, lines: Sequence[Line]) -> None:
    """Write each line's name right of the axes, at the height of its end or as near as there is
    room."""
    low, high = axes.get_ylim()
    height = axes.get_position().height * axes.figure.get_figheight() * 72  # in points
    ends = [_end(line.curve) for line in lines]
    heights = apart([y for _, y in ends], 13 * (high - low) / height)
    for line, end, beside in zip(lines, ends, heights, strict=True):
        gone = end[0] < len(line.curve.median) - 1
        axes.annotate(
            f"{line.label}: 0 from {end[0] + 1} on" if gone else line.label,
            xy=end,
            xytext=(1.03, beside),
            textcoords=("axes fraction", "data"),
            color=line.colour,
            va="center",
            annotation_clip=False,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "color": line.colour, "lw": 0.6, "shrinkB": 0},
        )


def _end(curve: Curve) -> tuple[int, float]:
    """Where the median is last not zero."""
    last = int(np.flatnonzero(np.isfinite(curve.median))[-1])
    return last, float(curve.median[last])


def apart(places: Sequence[float], least: float) -> list[float]:
    """Places moved as little as possible, in the sense of least squares, so that any two are apart
    by at least so much: neighbours that are too near go on as a group around their mean."""
    order = sorted(range(len(places)), key=lambda k: places[k])
    groups: list[list[float]] = []  # of places, less what those below them take
    for rank, k in enumerate(order):
        groups.append([places[k] - rank * least])
        while len(groups) > 1 and np.mean(groups[-2]) > np.mean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    moved = [float(np.mean(group)) for group in groups for _ in group]
    return [moved[rank] + rank * least for rank in map(order.index, range(len(places)))]
