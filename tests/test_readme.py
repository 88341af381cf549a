"""What the README shows is what the commands print."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from click.testing import CliRunner

from derive.cli import main

README = Path(__file__).parent.parent / "README.md"


def test_the_session_gives_what_it_shows():
    failures, tried = doctest.testfile(str(README), module_relative=False)
    assert tried >= 8 and failures == 0


def test_the_latex_is_the_commands():
    (shown,) = re.findall(r"```latex\n(.*?)```", README.read_text(), re.S)
    printed = CliRunner().invoke(main, ["latex", "lstm"]).output
    assert printed.startswith(shown.rstrip())


def test_the_picture_is_the_commands(tmp_path):
    drawn = tmp_path / "lstm.svg"
    assert CliRunner().invoke(main, ["diagram", "lstm", "-o", str(drawn)]).exit_code == 0
    assert drawn.read_bytes() == (README.parent / "docs" / "lstm.svg").read_bytes()


def test_the_cell_is_the_file():
    (shown,) = re.findall(r"```python\nclass LSTM\(Cell\):\n(.*?)```", README.read_text(), re.S)
    source = (README.parent / "derive" / "cells" / "lstm.py").read_text()
    assert shown.rstrip() in source
