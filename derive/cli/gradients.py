"""`derive gradients CELL…`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from derive.cli.common import CELL_HELP, QUIET, SET, OneLine, reports
from derive.cli.progress import progress

if TYPE_CHECKING:
    from derive.cell import Cell
    from derive.gradients.samples import Sample

FORMATS = (".svg", ".png", ".pdf", ".csv")
POSITIVE = click.IntRange(min=1)


@click.command(
    epilog=f"{CELL_HELP} So may the value that a parameter starts at: `lstm:b_f=5`, "
    f"`rnn:U=1.1` with `--units 1`."
)
@click.argument("cells", nargs=-1, required=True, metavar="CELL...")
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Write a picture or the data, by its ending: {', '.join(FORMATS)}; may be repeated. "
    f"Without it a table is printed.",
)
@click.option("--rails", is_flag=True, help="Each state by itself, beside its rail's factor alone.")
@click.option("--histograms", is_flag=True, help="Gates and other activations instead of norms.")
@click.option("--jacobian", is_flag=True, help="Print a step's Jacobian, derived, and stop.")
@click.option("--latex", is_flag=True, help="The same as LaTeX, for a document with amsmath.")
@click.option("--standalone", is_flag=True, help="The same as a LaTeX document that compiles.")
@click.option("--steps", type=POSITIVE, help="The largest distance k.  [default: 100, or DELAY]")
@click.option("--units", type=POSITIVE, default=16, show_default=True, help="Hidden units.")
@click.option("--inputs", type=POSITIVE, default=2, show_default=True, help="Length of an input.")
@click.option(
    "--draws", type=POSITIVE, help="Draws of weights and inputs.  [default: 12; 5 to train]"
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all draws."
)
@click.option(
    "--train",
    "delay",
    type=POSITIVE,
    metavar="DELAY",
    help="Train first, to recall a number after so many steps; show before and after.",
)
@click.option("--iterations", type=POSITIVE, default=1000, show_default=True, help="Of training.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Weights of the one cell and their sizes: .npz as params.save(FILE) writes it, "
    ".json or .csv.",
)
@SET
@QUIET
@reports
def gradients(
    cells: tuple[str, ...],
    settings: tuple[str, ...],
    files: tuple[Path, ...],
    quiet: bool,
    **wishes: Any,
) -> None:
    """Show where gradients go: how much is left, so many steps back in time.

    On random weights, on trained ones (--train) or on yours (--weights): the norm of the product
    of the steps' Jacobians against the distance in time.
    """
    from derive.gradients.start import named
    from derive.library import setting_pairs

    derived = wishes["jacobian"] or wishes["latex"] or wishes["standalone"]
    _agree(cells, files, wishes, derived=derived)
    chosen = [named(what, setting_pairs(settings)) for what in cells]
    if derived:
        _derived([cell for cell, _ in chosen], wishes)
        return
    work = progress(len(chosen) * _steps(wishes), quiet=quiet)
    with work.shown():
        samples = [_samples(cell, label, wishes, work.at) for cell, label in chosen]
    written = _shown(samples, files, wishes)
    for path in () if quiet else written:
        click.echo(f"wrote {path}")


def _agree(
    cells: Sequence[str], files: Sequence[Path], wishes: Mapping[str, Any], *, derived: bool
) -> None:
    """Refuse wishes that exclude each other."""
    for path in files:
        if path.suffix not in FORMATS:
            raise OneLine(f"{path}: its ending is to say what it is, one of {', '.join(FORMATS)}")
    if derived and files:
        raise OneLine("the Jacobian is printed; -o is for pictures and data")
    if wishes["rails"] and wishes["histograms"]:
        raise OneLine("--rails and --histograms are two pictures: ask for one at a time")
    if wishes["weights"] and (wishes["delay"] or len(cells) > 1):
        raise OneLine("--weights are those of one cell, and are not trained")


def _derived(cells: Sequence[Cell], wishes: Mapping[str, Any]) -> None:
    """Print the Jacobian of a step."""
    for cell in cells:
        if wishes["jacobian"]:
            from derive.display.jacobian.shown import print_jacobian

            print_jacobian(cell)
        else:
            from derive.display.jacobian.latex import document, fragment

            click.echo((document if wishes["standalone"] else fragment)(cell), nl=False)


def _draws(wishes: Mapping[str, Any]) -> int:
    """How often weights are drawn."""
    return wishes["draws"] or (5 if wishes["delay"] else 12)


def _steps(wishes: Mapping[str, Any]) -> int:
    """How many steps the progress of one cell has: those of its training."""
    return _draws(wishes) * wishes["iterations"] if wishes["delay"] else 1


def _samples(
    cell: Cell, label: str, wishes: Mapping[str, Any], at: Callable[[str], None]
) -> Sequence[Sample]:
    """The cell along sequences: one sample, or one before and one after training."""
    from derive.gradients.samples import Setup, drawn, given, trained
    from derive.gradients.train import Recall

    delay = wishes["delay"]
    setup = Setup(
        steps=wishes["steps"] or delay or 100,
        units=wishes["units"],
        inputs=wishes["inputs"],
        draws=_draws(wishes),
        seed=wishes["seed"],
    )
    if wishes["weights"]:
        return [given(cell, wishes["weights"], setup, label)]
    if not delay:
        at(f"following gradients of {label}")
        return [drawn(cell, setup, label)]

    def tick() -> None:
        at(f"training {label}")

    return trained(cell, setup, Recall(delay), wishes["iterations"], label, tick)


def _shown(
    samples: Sequence[Sequence[Sample]], files: Sequence[Path], wishes: Mapping[str, Any]
) -> list[Path]:
    """Print what was found, or write it to files, and say which."""
    from derive.gradients import tables
    from derive.gradients.activity import activity
    from derive.gradients.flow import flow_of

    if wishes["histograms"]:
        activities = [activity(stages) for stages in samples]
        if not files:
            tables.print_activities(activities)
        return _written(files, "activities", activities, tables.activity_csv)
    flows = [flow_of(sample) for stages in samples for sample in stages]
    if not files:
        tables.print_flows(flows)
    return _written(files, "rails" if wishes["rails"] else "flows", flows, tables.flow_csv)


def _written(
    files: Sequence[Path], kind: str, found: Any, as_csv: Callable[[Any], str]
) -> list[Path]:
    """Write files, each as its ending says; all contents are made before the first is written."""
    from derive.render import write_files

    contents: list[tuple[Path, str | bytes]] = []
    for path in files:
        if path.suffix == ".csv":
            contents.append((path, as_csv(found)))
        else:
            from derive.gradients.plot import PICTURES

            contents.append((path, PICTURES[kind](found, path.suffix[1:])))
    return [p for path, content in contents for p in write_files({path.name: content}, path.parent)]
