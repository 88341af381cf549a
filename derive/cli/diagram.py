"""`derive diagram CELL -o FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from derive.cli.common import (
    CELL_HELP,
    FORCE,
    JSON,
    QUIET,
    SET,
    OneLine,
    keep_others,
    loaded,
    reports,
    tell_written,
)


@click.command(epilog=CELL_HELP)
@click.argument("cell")
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .svg, .tex (TikZ), or .png where rsvg-convert is there.",
)
@click.option("--backward", is_flag=True, help="The adjoints, against the arrows.")
@click.option("--highlight", metavar="NAME", help="Light one equation: `--highlight c_next`.")
@click.option(
    "--steps",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a picture for each equation into a folder, with it lit.",
)
@click.option(
    "--style",
    type=click.Choice(["rails", "loop"]),
    default="rails",
    show_default=True,
    help="States as rails, or as boxes in the middle with the order of evaluation in numbers.",
)
@click.option("--rolled", is_flag=True, help="The network, with a loop for each state.")
@click.option("--unrolled", metavar="N", type=int, help="The network over N steps.")
@click.option("--beside", "other", metavar="OTHER", help="Two cells, what differs marked.")
@SET
@FORCE
@QUIET
@JSON
@reports
def diagram(
    cell: str,
    file: Path | None,
    steps: Path | None,
    settings: tuple[str, ...],
    force: bool,
    quiet: bool,
    as_json: bool,
    **view: Any,
) -> None:
    """Draw a cell from its equations."""
    from derive.display.diagram import emphasis
    from derive.display.diagram.files import FORMS, content
    from derive.display.diagram.key import with_key
    from derive.render import write_files

    if (file is None) == (steps is None):
        raise OneLine("name the file to write with -o, or a folder for --steps")
    if file is not None and file.suffix not in FORMS:
        raise OneLine(f"{file}: its ending is to say what it is, one of {', '.join(FORMS)}")
    chosen = loaded(cell, settings)
    if steps is not None:
        only("--steps", view)
        made = emphasis.steps(chosen)
        files = {
            f"{n:02}-{name}.svg": content(scene, ".svg")
            for n, (name, scene) in enumerate(made, start=1)
        }
        keep_others([steps / name for name in files], force)
        written = write_files(files, steps)
    elif file is not None:
        written = write_files(
            {file.name: content(with_key(scene_of(chosen, view)), file.suffix)}, file.parent
        )
    tell_written(dict.fromkeys(written, chosen.name), quiet, as_json)


def scene_of(cell: Any, view: dict[str, Any]) -> Any:
    """The picture that the options ask for."""
    from derive.display.diagram import backward, beside, chain, draw, emphasis, loop

    scenes = {
        "backward": lambda _: backward.backward(cell),
        "highlight": lambda name: emphasis.highlighted(cell, name),
        "style": lambda _: loop.loop(cell),
        "rolled": lambda _: chain.rolled(cell),
        "unrolled": lambda steps: chain.unrolled(cell, steps),
        "other": lambda other: beside.beside(cell, loaded(other, ())),
    }
    asked = asked_of(view)
    if len(asked) > 1:
        raise OneLine(f"one picture at a time: {', '.join(map(option, asked))} do not go together")
    return next((scenes[name](value) for name, value in asked.items()), None) or draw.scene(cell)


def asked_of(view: dict[str, Any]) -> dict[str, Any]:
    """The options that a person gave."""
    usual = (None, False, "rails")
    return {name: v for name, v in view.items() if not any(v is one for one in usual)}


def only(name: str, view: dict[str, Any]) -> None:
    """Bad input where other options stand beside one that has its own picture."""
    others = [option(other) for other in asked_of(view)]
    if others:
        raise OneLine(f"one picture at a time: {name} and {', '.join(others)} do not go together")


def option(name: str) -> str:
    """An option as a person types it."""
    return {"other": "--beside"}.get(name, f"--{name}")
