"""Templates and files: text is made whole, and files are written whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import jinja2


@cache
def environment() -> jinja2.Environment:
    """The templates, where a name that has no value is an error."""
    here = Path(__file__).parent
    folders = [here / "templates", here.parent / "templates"]  # as installed, as in the repository
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder for folder in folders if folder.is_dir()]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
        bytecode_cache=compiled(),
    )
    made.filters |= {"lines": lines, "fill": fill}
    return made


def compiled() -> jinja2.BytecodeCache | None:
    """Where compiled templates are kept between runs, as Python keeps compiled modules: a folder of
    the user's own among the temporary files. Compiling them takes longer than filling them in."""
    try:
        return jinja2.FileSystemBytecodeCache()
    except (RuntimeError, OSError):  # no such folder can be had
        return None


def render(template: str, **values: object) -> str:
    """Fill a template in. Lines end where their text ends, and no more than two empty lines follow
    each other."""
    text = environment().get_template(template).render(**values)
    text = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n") + "\n"


def lines(text: str, indent: int) -> str:
    """The lines of a text that say something, at an indent: what macros leave empty goes away."""
    return "".join(f"{' ' * indent}{line}\n" for line in text.splitlines() if line.strip())


def fill(text: str, width: int, hang: int = 0) -> str:
    """A paragraph in lines of at most this width, with those after the first further in."""
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=" " * hang))


def write_files(files: Mapping[str, str | bytes], folder: Path) -> list[Path]:
    """Write every file, or none: each is written beside its place first, and only then moved into
    it. Text is written in UTF-8, with plain line ends."""
    folder.mkdir(parents=True, exist_ok=True)
    moves: list[tuple[str, Path]] = []
    try:
        for name, content in files.items():
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
            moves.append((temporary, folder / name))
            with os.fdopen(handle, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            os.chmod(temporary, 0o644)
        while moves:
            os.replace(*moves[-1])
            moves.pop()
    finally:
        for temporary, _ in moves:
            Path(temporary).unlink(missing_ok=True)
    return [folder / name for name in files]
