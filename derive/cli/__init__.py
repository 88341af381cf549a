"""The command, a module for each subcommand. What one needs is imported when it runs, so that
``derive --help`` answers at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from derive import VERSION
from derive.cli.build import build
from derive.cli.check import check
from derive.cli.common import OneLine
from derive.cli.cost import cost
from derive.cli.diagram import diagram
from derive.cli.diff import diff
from derive.cli.docs import docs
from derive.cli.generate import generate
from derive.cli.gradients import gradients
from derive.cli.latex import latex
from derive.cli.list import list_cells
from derive.cli.show import show
from derive.cli.trace import trace
from derive.cli.weights import weights


@contextmanager
def usage_in_one_line() -> Iterator[None]:
    """Report click's usage errors in one line, as all others."""
    try:
        yield
    except click.UsageError as error:
        raise OneLine(" ".join(error.format_message().split())) from error


class Commands(click.Group):
    """The subcommands. Without arguments click shows the help, by an exception of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        with usage_in_one_line() if args else nullcontext():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with usage_in_one_line():
            return super().invoke(ctx)


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(VERSION, prog_name="derive")
def main() -> None:
    """Derive, print, generate and prove recurrent cells from their equations."""


for command in (
    *(list_cells, show, latex, generate, build, diagram, diff, trace),
    *(cost, gradients, check, weights, docs),
):
    main.add_command(command)
