"""Flows and histograms as pictures: SVG, PNG or PDF, by matplotlib.

Colours are Okabe and Ito's, which the colour-blind can tell apart; words and axes are of a grey
that can be read on white and on black, and an SVG has no background, so that a page's own shows.
The same data gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from derive.gradients.activity import Activity, Histogram
from derive.gradients.canvas import GREY, Axes, Line, drawing
from derive.gradients.flow import Flow, flow
from derive.gradients.samples import Setup
from derive.library import load

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
TITLE = "What is left of a gradient, k steps back"
RATIO = r"$\partial {0}_T / \partial {0}_{{T-k}}$"
DISTANCE = "distance in time, k steps"
SMALL = Setup(steps=60, units=8, draws=8)


def flows_picture(flows: Sequence[Flow], form: str) -> bytes:
    """The flows of several cells in one plot."""
    with drawing(7.2, 4.4) as canvas:
        ((axes,),) = canvas.panels(1, 1)
        errors = any(flow.sample.errors for flow in flows)
        learnt = "; error: mean square, 0.3 where nothing is learnt" if errors else ""
        canvas.heading(TITLE, f"s is all states of a cell; {_draws(flows[0])}{learnt}")
        canvas.curves(axes, [_line(flows, flow) for flow in flows])
        axes.set(xlabel=DISTANCE, ylabel=f"norm of {RATIO.format('s')}")
        return canvas.saved(form, TITLE, ", ".join(flow.sample.title for flow in flows))


def rails_picture(flows: Sequence[Flow], form: str) -> bytes:
    """Each state by itself, a row for each cell: all paths, and its rail's factor alone."""
    columns = max(len(flow.states) for flow in flows)
    with drawing(3.3 * columns + 0.8, 2.3 * len(flows) + 0.9) as canvas:
        canvas.heading(
            "Along each state, and by its rail's factor alone",
            f"norm of {RATIO.format('q')} for each state q; {_draws(flows[0])}",
        )
        rows = canvas.panels(len(flows), columns, sharex=True, sharey=True)
        for flow, row in zip(flows, rows, strict=True):
            for axes in row[len(flow.states) :]:
                axes.remove()
            for axes, state in zip(row, flow.states, strict=False):
                canvas.curves(axes, _along(flow, state, _line(flows, flow).colour))
                axes.set_title(f"{flow.sample.title}: {state}", parse_math=False)
        canvas.figure.supxlabel(DISTANCE, fontsize=10)
        return canvas.saved(
            form, "Gradients along each state", ", ".join(flow.sample.title for flow in flows)
        )


def activities_picture(activities: Sequence[Activity], form: str) -> bytes:
    """Histograms, rows of panels for each cell; what was before training is an outline."""
    columns = max(min(len(of.histograms), 6) for of in activities)
    rows = [-(-len(of.histograms) // columns) for of in activities]
    with drawing(1.9 * columns + 0.3, 1.75 * sum(rows) + 0.7) as canvas:
        stages = list(activities[0].histograms[0].shares)
        before = f"outline: {stages[0]}, filled: {stages[1]}; " if len(stages) > 1 else ""
        note = f"{before}the share of values, over all steps and draws"
        canvas.heading("How open gates are, how far activations go", note)
        panels = (axes for row in canvas.panels(sum(rows), columns) for axes in row)
        for number, of in enumerate(activities):
            for histogram in of.histograms:
                _bars(next(panels), of.label, histogram, COLOURS[number % len(COLOURS)])
            for _ in range(-len(of.histograms) % columns):
                next(panels).remove()
        names = ", ".join(of.label for of in activities)
        return canvas.saved(form, "Histograms of activations", names)


PICTURES: dict[str, Callable[[Any, str], bytes]] = {
    "flows": flows_picture,
    "rails": rails_picture,
    "activities": activities_picture,
}


def small_picture(own: Flow) -> str:
    """A flow, measured as `SMALL` says, beside the simple network's and the LSTM's: a small SVG for
    a page about the cell."""
    others = [_reference(name) for name in ("rnn", "lstm") if name != own.sample.label]
    with drawing(4.4, 2.5) as canvas:
        ((axes,),) = canvas.panels(1, 1)
        lines = [
            Line(of.sample.title, of.whole, GREY, DASHES[k + 1], 1.2, False)
            for k, of in enumerate(others)
        ]
        canvas.curves(axes, [*lines, Line(own.sample.title, own.whole, COLOURS[0], width=2.2)])
        axes.set(xlabel=DISTANCE, ylabel="left of a gradient")
        return canvas.saved("svg", f"{TITLE}: {own.sample.title}", TITLE).decode()


@cache
def _reference(name: str) -> Flow:
    return flow(load(name), SMALL)


def _line(flows: Sequence[Flow], flow: Flow) -> Line:
    """A flow in its cell's colour; what was before training is thin and dashed."""
    labels = list(dict.fromkeys(other.sample.label for other in flows))
    turn, number = divmod(labels.index(flow.sample.label), len(COLOURS))
    colour = COLOURS[number]
    if flow.sample.stage == "at first":
        return Line(flow.sample.title, flow.whole, colour, DASHES[1], 1.0, has_band=False)
    error = flow.sample.error
    name = flow.sample.title + ("" if error is None else f" (error {error:.1g})")
    return Line(name, flow.whole, colour, DASHES[turn % len(DASHES)])


def _along(flow: Flow, state: str, colour: str) -> list[Line]:
    """A state by itself, and its rail if it has one."""
    lines = [Line("all paths", flow.states[state], colour)]
    if state in flow.rails:
        factor = flow.factors[state].replace(" - ", " − ")
        lines.append(Line(f"{factor} alone", flow.rails[state], colour, DASHES[1]))
    return lines


def _bars(axes: Axes, label: str, of: Histogram, colour: str) -> None:
    *before, now = of.shares.values()
    axes.stairs(now, of.edges, fill=True, color=colour, alpha=0.75)
    for shares in before:
        axes.stairs(shares, of.edges, color=GREY, lw=1)
    axes.set_title(f"{label}: {of.name}", parse_math=False)
    axes.set(yticks=[], xlim=(of.edges[0], of.edges[-1]))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False)


def _draws(flow: Flow) -> str:
    return f"median of {len(flow.whole.log10)} draws, middle half as a band"
