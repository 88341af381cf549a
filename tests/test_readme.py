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


def test_the_session_of_the_page_about_python_gives_what_it_shows():
    page = README.parent / "docs" / "python.md"
    failures, tried = doctest.testfile(str(page), module_relative=False)
    assert tried >= 15 and failures == 0


def test_the_session_of_the_page_about_networks_gives_what_it_shows():
    page = README.parent / "docs" / "networks.md"
    failures, tried = doctest.testfile(str(page), module_relative=False)
    assert tried >= 10 and failures == 0


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


DIAGRAMS = README.parent / "docs" / "diagrams.md"


def test_the_pictures_of_the_page_are_its_commands(tmp_path):
    page = DIAGRAMS.read_text(encoding="utf-8")
    commands = [line.split() for line in page.splitlines() if line.startswith("derive diagram ")]
    shown = re.findall(r"^!\[[^\]]+\]\((\S+)\)$", page, re.M)
    assert len(commands) >= 5
    assert [f"docs/{place}" for place in shown] == [command[-1] for command in commands]
    for number, command in enumerate(commands):
        drawn = tmp_path / f"{number}.svg"
        assert CliRunner().invoke(main, [*command[1:-1], str(drawn)]).exit_code == 0
        committed = (README.parent / command[-1]).read_bytes()
        assert drawn.read_bytes() == committed, "draw it again: make pictures"


def test_every_command_stands_in_the_table():
    table = README.read_text(encoding="utf-8").partition("| command |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `derive (\w+)", table, re.M)) == set(main.commands)
