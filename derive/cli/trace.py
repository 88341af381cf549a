"""`derive trace CELL`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from derive.cli.common import CELL_HELP, SET, OneLine, loaded, reports, write_json

SERIES = ("1", "-1")  # where none is given


@click.command(
    epilog=CELL_HELP,
    # a step may be a negative number, which is no option
    context_settings={"ignore_unknown_options": True},
)
@click.argument("cell", required=False)
@click.argument("series", nargs=-1, metavar="[STEP... | FILE.csv]")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=VALUES",
    help="Another input's series, --input 'dt=0.5 2': as for --target. 1 where none is given.",
)
@click.option(
    "--weight",
    "texts",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter's value, b_f=1 for every entry or U_f=1,2;3,4 row by row; may be repeated. "
    "Parameters that are not given are 0, or drawn if there is a --seed.",
)
@click.option(
    "--weights",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Parameters from a file: .npz as params.save(FILE) writes it, .json or .csv.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Draws the parameters that are not given, as `init` of the generated module does; 0 where "
    "no weight is given.",
)
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="NAME=VALUE",
    help="A state before the first step, h=1 or h=0.5,1; may be repeated.",
)
@click.option(
    "--size",
    "sizes",
    multiple=True,
    metavar="AXIS=N",
    help="A size, H=3; 1 unless the weights say otherwise.",
)
@click.option("--column", "columns", multiple=True, help="A column of the CSV file, by its name.")
@click.option(
    "--words",
    type=click.Choice(["letters", "memory"]),
    default="letters",
    show_default=True,
    help="How a step is told: its equations in order, or what happens to the memory.",
)
@click.option("--backward", is_flag=True, help="The adjoints too, from the last step to the first.")
@click.option(
    "--target",
    metavar="VALUES",
    help="The loss is ½ Σ |y − target|², and --backward: a value a step, with spaces between, or a "
    "CSV file; one value serves every step. Without it the loss is the sum of all outputs.",
)
@click.option("--all", "whole", is_flag=True, help="Every step of a long series.")
@click.option("--latex", "form", flag_value="latex", help="As LaTeX, for a document with amsmath.")
@click.option("--standalone", "form", flag_value="standalone", help="As a LaTeX document.")
@click.option("--html", "form", flag_value="html", help="As a page that needs no other file.")
@click.option("--json", "form", flag_value="json", help="All values and adjoints, for programs.")
@click.option("--example", metavar="NAME", help="A number that a textbook works out by hand.")
@click.option("--sources", is_flag=True, help="All of these, each misprint explained.")
@SET
@reports
def trace(
    cell: str | None,
    series: tuple[str, ...],
    settings: tuple[str, ...],
    form: str | None,
    example: str | None,
    sources: bool,
    words: str,
    backward: bool,
    whole: bool,
    **given: Any,
) -> None:
    """Work a cell out with numbers: each equation, its values put in, its result.

    A step of the series is a number, or several with commas between, one for each entry of the
    input; a single one serves every entry. Without a series the steps are 1 and -1.
    """
    refuse_options((cell or "", *series))
    if sources or example:
        if cell:
            raise OneLine(f"the examples bring their own cell: leave out {cell}")
        worked_by_others(example, form)
        return
    if cell is None:
        raise OneLine("name a cell, as in `derive trace lstm 1 -1`, or say --sources")
    traced = traced_by(loaded(cell, settings), series or SERIES, **given)
    if form == "json":
        from derive.display.trace.data import as_data

        write_json(as_data(traced))
        return
    from derive.display.trace.tell import FIRST, LAST, backwards, forwards, tell
    from derive.display.trace.telling import TELLINGS

    ways = (forwards, backwards) if backward or given["target"] else (forwards,)
    most = len(traced.steps) if whole else FIRST + LAST + 1
    write([tell(traced, TELLINGS[words], ways, most=most)], form)


def refuse_options(words: tuple[str, ...]) -> None:
    """What looks like an option and is none was not meant as a number."""
    for word in words:
        if word.startswith("--"):
            raise OneLine(f"No such option: {word}")


def traced_by(
    cell: Any,
    series: tuple[str, ...],
    inputs: tuple[str, ...],
    texts: tuple[str, ...],
    file: Path | None,
    seed: int | None,
    states: tuple[str, ...],
    sizes: tuple[str, ...],
    columns: tuple[str, ...],
    target: str | None,
) -> Any:
    """The trace that the options ask for."""
    from derive.evaluation import reading
    from derive.evaluation.trace import trace as traced

    weights = (reading.weights(file) if file else {}) | reading.named(texts)
    return traced(
        cell,
        {cell.input.name: reading.steps(series, columns)} | reading.named_series(inputs),
        weights or None,
        reading.named(states),
        sizes=reading.sizes(sizes),
        seed=seed,
        target=None if target is None else reading.steps(target.split()),
    )


def worked_by_others(name: str | None, form: str | None) -> None:
    """The numbers of textbooks, or one of them."""
    from derive.display.trace.sources import as_data, example, examples, opening, story

    chosen = [example(name)] if name else list(examples())
    if form == "json":
        write_json(list(map(as_data, chosen)))
        return
    stories = list(map(story, chosen))
    write([opening(stories[0]), *stories], form)


def write(stories: list[Any], form: str | None) -> None:
    """Stories, in the form that was asked for."""
    if form is None:
        from derive.display.trace.terminal import print_stories

        print_stories(stories)
        return
    from derive.display.trace import html, latex

    writers = {"latex": latex.fragment, "standalone": latex.document, "html": html.document}
    click.echo(writers[form](stories), nl=False)
