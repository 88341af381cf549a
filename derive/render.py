"""Templates and files: text is made whole, and files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2


@cache
def environment() -> jinja2.Environment:
    """The templates, where a name that has no value is an error."""
    here = Path(__file__).parent
    folders = [here / "templates", here.parent / "templates"]  # as installed, as in the repository
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder for folder in folders if folder.is_dir()]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template: str, **values: object) -> str:
    """Fill a template in."""
    return environment().get_template(template).render(**values)


def write_files(files: Mapping[str, str], folder: Path) -> list[Path]:
    """Write every file, or none: each is written beside its place first, and only then moved into it."""
    folder.mkdir(parents=True, exist_ok=True)
    moves: list[tuple[str, Path]] = []
    try:
        for name, text in files.items():
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            moves.append((temporary, folder / name))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
        while moves:
            os.replace(*moves[-1])
            moves.pop()
    finally:
        for temporary, _ in moves:
            Path(temporary).unlink(missing_ok=True)
    return [folder / name for name in files]
