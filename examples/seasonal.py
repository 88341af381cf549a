"""The breathing of the forests, forecast half a year ahead from memory.

The carbon dioxide in the air falls every summer, while the northern forests grow, and rises every
winter. Half a year after a falling week comes a rising one, so to forecast 26 weeks ahead is to
know the season. Three forecasters are asked, all trained on the years to 1990, chosen by their
errors on 1991-1995 and judged on 1996-2001:

- the seasonal-naive rule: it will be as in the same week a year earlier (and, a stronger rule,
  that plus the growth of the past year);
- a feed-forward network, which has no memory: it is shown a window of a year, 52 weeks, at once;
- an LSTM, which is shown *one* week at a time, no window and no calendar: where in the year it
  is, it has to remember.

For comparison the feed-forward network is trained on single weeks too: the LSTM's input without
the LSTM's memory. The LSTM is the generated module, trained by its own `forward` and `backward`;
the optimiser is SciPy's L-BFGS.

Data: weekly averages of atmospheric CO2 at Mauna Loa, Hawaii, in ppm (parts per million by
volume), 1958-2001. C. D. Keeling and T. P. Whorf, Scripps Institution of Oceanography (2004), in
the public domain; they ship inside the package statsmodels.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OMP_NUM_THREADS", "1")  # products this small only lose by being shared out

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from scipy.optimize import minimize
from statsmodels.datasets import co2

YEAR = 52  # weeks
HORIZON = 26  # weeks from the week a forecast is made in, its origin, to the week it is about
VALIDATION, TEST = 5 * YEAR, 6 * YEAR  # weeks, at the end of the series
HIDDEN = 16  # units, in every network
DECAY = 1e-3  # the weight of the squared parameters in every network's loss
FITS = 4  # from different starts; a network's forecast is their mean

WATCHED = Console(stderr=True)  # where progress is shown, if it is a terminal
CELLS = {"lstm": "LSTM", "lstm_peephole": "peephole LSTM", "rnn": "simple RNN"}
Array = NDArray[np.float64]
Pullback = Callable[[Array], Array]


@dataclass(frozen=True)
class Task:
    """A weekly series of N levels as a task; what has N - HORIZON rows is indexed by the origin."""

    dates: NDArray[np.datetime64]  # (N,)
    level: Array  # (N,), in ppm
    change: Array  # (N - HORIZON,), the input: the change in a week, in its standard deviations
    target: Array  # (N - HORIZON,), the output: the change over the horizon, in units of `scale`
    scale: float  # its standard deviation, in ppm
    parts: dict[str, slice]  # the origins to train on, to validate on and to test on

    def errors(self, forecast: Array) -> tuple[float, float]:
        """The mean absolute and the root mean square error of forecast levels in the test part."""
        error = (forecast - self.level[HORIZON:])[self.parts["test"]]
        return float(np.abs(error).mean()), float(np.sqrt((error**2).mean()))


def load() -> Task:
    """The series, scaled by what the training part shows; its first year is to warm up in.

    A few weeks without a measurement, all of them in the training part, are interpolated.
    """
    series = co2.load_pandas().data["co2"].interpolate()
    level = series.to_numpy(dtype=np.float64)
    change, rise = np.diff(level, prepend=level[0])[:-HORIZON], level[HORIZON:] - level[:-HORIZON]
    ends = [YEAR, len(rise) - TEST - VALIDATION, len(rise) - TEST, len(rise)]
    parts = dict(zip(("training", "validation", "test"), map(slice, ends, ends[1:]), strict=True))
    scale = float(rise[parts["training"]].std())
    change /= change[parts["training"]].std()
    return Task(series.index.to_numpy(), level, change, rise / scale, scale, parts)


@dataclass(frozen=True)
class Recurrent:
    """A generated cell and a linear readout: one week in, one forecast out, the rest is memory."""

    cell: ModuleType
    window: int = 1

    def start(self, rng: np.random.Generator) -> Array:
        """Random parameters, (P,)."""
        params = self.cell.init(rng, self.window, HIDDEN)
        return np.concatenate([params.flat, rng.normal(0, 0.1, HIDDEN), [0]])

    def run(self, theta: Array, inputs: Array) -> tuple[Array, Pullback]:
        """Forecasts (T,) from parameters (P,) and inputs (T, window); and their chain rule.

        The chain rule is a function: a loss's slopes by the forecasts (T,) -> its gradient (P,).
        """
        params = self.cell.Params(self.window, HIDDEN)
        params.flat[:], weights, bias = np.split(theta, [-HIDDEN - 1, -1])
        ys, _, tape = self.cell.forward(params, inputs[:, None, :])  # all weeks are one sequence
        memory = ys[:, 0, :]

        def pullback(slopes: Array) -> Array:
            dys = np.outer(slopes, weights)[:, None, :]
            dparams, _, _ = self.cell.backward(params, tape, dys)
            return np.concatenate([dparams.flat, slopes @ memory, [slopes.sum()]])

        return memory @ weights + bias, pullback


@dataclass(frozen=True)
class FeedForward:
    """A layer of tanh units and a linear readout: a window in, one forecast out, no memory."""

    window: int

    def start(self, rng: np.random.Generator) -> Array:
        """Random parameters, (P,)."""
        matrix = rng.normal(0, self.window**-0.5, HIDDEN * self.window)
        return np.concatenate([matrix, np.zeros(HIDDEN), rng.normal(0, 0.1, HIDDEN), [0]])

    def run(self, theta: Array, inputs: Array) -> tuple[Array, Pullback]:
        """As `Recurrent.run`."""
        matrix, shift, weights, bias = np.split(theta, [-2 * HIDDEN - 1, -HIDDEN - 1, -1])
        layer = np.tanh(inputs @ matrix.reshape(HIDDEN, self.window).T + shift)

        def pullback(slopes: Array) -> Array:
            dsum = np.outer(slopes, weights) * (1 - layer**2)
            dmatrix = (dsum.T @ inputs).ravel()
            return np.concatenate([dmatrix, dsum.sum(0), slopes @ layer, [slopes.sum()]])

        return layer @ weights + bias, pullback


Network = Recurrent | FeedForward


def fit(
    network: Network,
    start: Array,
    inputs: Array,
    task: Task,
    iterations: int,
    told: Callable[[Array], None],
) -> Array:
    """Minimise the mean square error in training; return the parameters best in validation.

    `told` is called after every iteration.
    """
    training, validation = task.parts["training"], task.parts["validation"]
    known = slice(validation.stop)  # nothing later reaches the network
    weight = np.zeros(validation.stop)
    weight[training] = 1 / weight[training].size
    best_error, best = np.inf, start

    def loss(theta: Array) -> tuple[float, Array]:
        nonlocal best_error, best
        forecast, pullback = network.run(theta, inputs[known])
        error = forecast - task.target[known]
        validation_error = np.mean(error[validation] ** 2)
        if validation_error < best_error:
            best_error, best = validation_error, theta.copy()
        gradient = pullback(2 * weight * error) + 2 * DECAY * theta
        return weight @ error**2 + DECAY * theta @ theta, gradient

    limit = {"maxiter": iterations}
    minimize(loss, start, jac=True, method="L-BFGS-B", options=limit, callback=told)
    return best


def learn(network: Network, name: str, task: Task, seed: int, iterations: int) -> Array:
    """What the network, fitted, forecasts the level to be, in ppm, for every origin."""
    inputs = sliding_window_view(np.pad(task.change, (network.window - 1, 0)), network.window)
    forecasts = []
    with Progress(console=WATCHED, transient=True, disable=not WATCHED.is_terminal) as progress:
        bar = progress.add_task(name, total=FITS * iterations)
        for k in range(FITS):
            start = network.start(np.random.default_rng([seed, k]))
            theta = fit(network, start, inputs, task, iterations, lambda _: progress.advance(bar))
            progress.update(bar, completed=(k + 1) * iterations)  # it may end before its last
            forecasts.append(network.run(theta, inputs)[0])
    return task.level[:-HORIZON] + task.scale * np.mean(forecasts, axis=0)


def compare(task: Task, cell: str, seed: int, iterations: int) -> dict[str, Array]:
    """By every forecaster's name, what it forecasts the level to be, in ppm, for every origin."""
    year_earlier = np.roll(task.level, YEAR)
    growth = (task.level - year_earlier)[:-HORIZON]
    networks = {
        "feed-forward, one week": FeedForward(1),
        "feed-forward, a year of weeks": FeedForward(YEAR),
        f"{CELLS[cell]}, one week at a time": Recurrent(
            importlib.import_module(f"generated.{cell}")
        ),
    }
    return {
        "seasonal-naive": year_earlier[HORIZON:],
        "seasonal-naive + growth": year_earlier[HORIZON:] + growth,
    } | {name: learn(network, name, task, seed, iterations) for name, network in networks.items()}


def table(task: Task, forecasts: dict[str, Array]) -> Table:
    """The errors in the test part, for the terminal."""
    about = task.dates[HORIZON:][task.parts["test"]].astype("datetime64[D]")
    report = Table("forecast", title=f"CO2 over Mauna Loa, {HORIZON} weeks ahead")
    report.caption = f"{about[0]} to {about[-1]}, errors in ppm"
    for heading in "mean absolute", "root mean square":
        report.add_column(heading, justify="right")
    for name, forecast in forecasts.items():
        report.add_row(name, *(f"{error:.3f}" for error in task.errors(forecast)))
    return report


def picture(task: Task, forecasts: dict[str, Array]) -> Figure:
    """The whole series; the test part, measured and forecast; how far each forecast was off."""
    plt.rcParams |= {"axes.spines.top": False, "axes.spines.right": False, "axes.xmargin": 0.01}
    figure, panels = plt.subplot_mosaic(
        "aaa;bbb;ccd", figsize=(11, 9), height_ratios=(1, 2.7, 1.8), layout="constrained"
    )
    figure.suptitle(f"CO\u2082 over Mauna Loa, forecast {HORIZON} weeks ahead", fontsize=15)
    whole, level, error, bars = panels.values()
    about, truth = task.dates[HORIZON:], task.level[HORIZON:]
    test, ink = task.parts["test"], "#22262e"
    colours = ("#d9c27a", "#b8923a", "#a3a8b0", "#3b76b5", "#c8384b")

    whole.plot(task.dates, task.level, color=ink, lw=0.7)
    for (name, part), shade in zip(task.parts.items(), ("#fff", "#eceae3", "#f7dcd8"), strict=True):
        whole.axvspan(about[part][0], about[part][-1], color=shade, lw=0, zorder=0)
        whole.text(about[part][0], task.level.max(), f" {name}", va="top")
    whole.set(ylabel="ppm")

    level.plot(about[test], truth[test], ".", color=ink, ms=3.5, label="measured")
    error.axhline(0, color=ink, lw=0.8)
    for (name, forecast), colour in list(zip(forecasts.items(), colours, strict=True))[1:]:
        memoryless = name == "feed-forward, one week"
        style = {"color": colour, "lw": 1.3, "ls": ":" if memoryless else "-"}
        level.plot(about[test], forecast[test], label=name, **style)
        if not memoryless:
            error.plot(about[test], (forecast - truth)[test], **style)
    level.set(ylabel="ppm")
    level.legend(loc="upper left", frameon=False)
    error.set(ylabel="forecast \u2212 measured, ppm")

    means = [task.errors(forecast)[0] for forecast in forecasts.values()]
    bars.bar_label(bars.barh(list(forecasts), means, color=colours), fmt=" %.2f")
    bars.invert_yaxis()
    bars.set(xlabel="mean absolute error, ppm", xticks=[], xlim=(0, 1.2 * max(means)))
    return figure


def main() -> None:
    """Train, print the table, draw the picture."""
    parser = argparse.ArgumentParser(
        description="Forecast a season from memory, by a generated LSTM."
    )
    parser.add_argument(
        "--cell", choices=CELLS, default="lstm", help="which generated cell to train"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random starts")
    parser.add_argument("--iterations", type=int, default=150, help="of L-BFGS, in every fit")
    parser.add_argument(
        "--output", type=Path, default=Path("build/seasonal.png"), help="where the picture goes"
    )
    args = parser.parse_args()
    task = load()
    forecasts = compare(task, args.cell, args.seed, args.iterations)
    Console().print(table(task, forecasts))
    args.output.parent.mkdir(parents=True, exist_ok=True)
    picture(task, forecasts).savefig(args.output, dpi=120)
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
