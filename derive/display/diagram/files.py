"""A scene as a file, in the form that its suffix says."""

from __future__ import annotations

import shutil
import subprocess

from derive.display.diagram.scene import Scene
from derive.display.diagram.svg import svg
from derive.display.diagram.tikz import tikz
from derive.nodes import CellError

FORMS = (".svg", ".tex", ".png")
SCALE = "2"  # a PNG's points for each of the picture's


def content(scene: Scene, suffix: str) -> str | bytes:
    """What the file says; CellError for a suffix that is none of FORMS, and where a PNG cannot be
    had."""
    if suffix == ".svg":
        return svg(scene)
    if suffix == ".tex":
        return tikz(scene)
    if suffix == ".png":
        return png(svg(scene))
    raise CellError(
        f"a picture's file ends in {', '.join(FORMS[:-1])} or {FORMS[-1]}, not {suffix!r}"
    )


def png(text: str) -> bytes:
    """An SVG as PNG, by a converter that is there."""
    program = shutil.which("rsvg-convert")
    if program is None:
        raise CellError(
            "a PNG needs rsvg-convert (Debian: librsvg2-bin); without it, write a .svg or a .tex"
        )
    command = [program, "--zoom", SCALE, "--background-color", "white"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
