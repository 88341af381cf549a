"""Flows and histograms as CSV, and at a glance in the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from rich.text import Text

from derive.display.terminal import console, table
from derive.gradients.activity import Activity
from derive.gradients.flow import Curve, Flow

BARS = " ▁▂▃▄▅▆▇█"


def flow_csv(flows: Iterable[Flow]) -> str:
    """A row for each curve and distance: the decimal logarithms of the median and the quartiles."""
    head = ("cell", "stage", "of", "distance", "log10_median", "log10_lower", "log10_upper")
    return _csv(head, (row for flow in flows for row in _flow_rows(flow)))


def curves(flow: Flow) -> Iterator[tuple[str, Curve]]:
    """All curves of a flow: of the whole, "all states", of each state, and of the rails, "rail
    c"."""
    yield "all states", flow.whole
    yield from flow.states.items()
    yield from ((f"rail {state}", curve) for state, curve in flow.rails.items())


def _flow_rows(flow: Flow) -> Iterator[tuple[Any, ...]]:
    for of, curve in curves(flow):
        levels = curve.median, curve.quantile(0.25), curve.quantile(0.75)
        for distance, values in enumerate(zip(*levels, strict=True)):
            shown = (f"{value:.6g}" for value in values)
            yield (flow.sample.label, flow.sample.stage, of, distance, *shown)


def activity_csv(activities: Iterable[Activity]) -> str:
    """A row for each bin of each histogram: where it is, and the share of values in it."""
    head = ("cell", "stage", "quantity", "from", "to", "share")
    rows = (
        (of.label, stage, h.name, f"{low:.6g}", f"{high:.6g}", f"{share:.6g}")
        for of in activities
        for h in of.histograms
        for stage, shares in h.shares.items()
        for low, high, share in zip(h.edges, h.edges[1:], shares, strict=False)
    )
    return _csv(head, rows)


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([head, *rows])
    return file.getvalue()


def print_flows(flows: Sequence[Flow]) -> None:
    """Print how fast each gradient vanishes or explodes, of all states and along each rail."""
    out, last = console(), len(flows[0].whole.median) - 1
    middle = max(last // 4, 1)
    heads = ["steps back:", str(middle), str(last), "a step", "half-life"]
    learns = any(flow.sample.errors for flow in flows)
    rows = table(*heads, *["error"] * learns)
    for column in rows.columns[1:]:
        column.justify = "right"
    for flow in flows:
        error = flow.sample.error
        told = "" if error is None else f"{error:.3f}"
        rows.add_row(
            Text(flow.sample.title, "bold"), *_figures(flow.whole, middle), *[told] * learns
        )
        for state, rail in flow.rails.items():
            if len(flow.states) > 1:
                rows.add_row(f"  {state}", *_figures(flow.states[state], middle))
            rows.add_row(f"  {state}, by {flow.factors[state]} alone", *_figures(rail, middle))
    out.print(Text("What is left of a gradient", "bold"))
    out.print(rows)
    draws = len(flows[0].whole.log10)
    out.print(
        f"The largest singular value of ∂s(T)/∂s(T − k), s all states of a cell, in the median of "
        f"{draws} draws. A step: its growth, in the geometric mean over {last} steps; half-life: "
        f"the steps, at that rate, after which half is left."
    )
    if learns:
        out.print("Error: the mean square error in recall; a third where nothing was learnt.")


def _figures(curve: Curve, middle: int) -> list[str]:
    """A curve in a table's row."""
    half = "∞" if curve.half_life == float("inf") else f"{curve.half_life:.1f}"
    norms = power(curve.median[middle]), power(curve.median[-1])
    return [*norms, f"× {curve.factor:.3f}", half]


def power(log10: float) -> str:
    """The number that has this logarithm, in a few digits: 0.43, 7.1e-26."""
    if not np.isfinite(log10):
        return "0" if log10 < 0 else "∞"
    exponent = int(np.floor(log10))
    if -3 <= exponent < 4:
        return f"{10**log10:.3g}"
    return f"{10 ** (log10 - exponent):.1f}e{exponent:+03d}"


def print_activities(activities: Iterable[Activity]) -> None:
    """Print histograms, in a line each, and how many values are near the ends."""
    out = console()
    for one in activities:
        out.print(Text(one.label, "bold"))
        rows = table("", "", "from", "", "to", "< 0.1", "> 0.9")
        for h in one.histograms:
            for stage, shares in h.shares.items():
                ends = (
                    f"{share:.0%}" if h.is_gate else ""
                    for share in (h.closed[stage], h.open[stage])
                )
                low, high = (f"{edge:.2g}" for edge in (h.edges[0], h.edges[-1]))
                rows.add_row(h.name, stage, low, bars(shares), high, *ends)
        out.print(rows)


def bars(shares: Any) -> str:
    """Shares as a line of bars, two bins to each, the largest at full height."""
    pairs = np.asarray(shares).reshape(-1, 2).sum(1)
    heights = np.ceil(pairs / max(pairs.max(), 1e-30) * (len(BARS) - 1)).astype(int)
    return "".join(BARS[height] for height in heights)
