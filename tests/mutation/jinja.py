"""Jinja text, read token by token.

A gap is what stands between braces: ``{{ … }}`` prints a value, ``{% … %}`` decides what is printed
or how often, ``{# … #}`` is a remark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from derive import render

OPENING, CLOSING = ("(", "[", "{"), (")", "]", "}")


@dataclass(frozen=True)
class Token:
    """A token of a template: text[start:end]."""

    kind: str
    start: int
    end: int
    text: str


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a template. Jinja's lexer leaves out what is not to be printed, white space at
    the end of what comes before a gap; no token begins with that."""
    at = 0
    for _, kind, value in render.environment().lex(text):
        at = text.index(value, at)
        yield Token(kind, at, at + len(value), value)
        at += len(value)


@dataclass(frozen=True)
class Gap:
    """``{{ … }}``, ``{% … %}`` or ``{# … #}``: where it is, and the tokens in it."""

    kind: str  # variable, block or comment
    start: int
    end: int
    tokens: tuple[Token, ...]
    source: str

    @property
    def word(self) -> str:
        """What a block does: if, for, macro."""
        return self.tokens[0].text if self.kind == "block" else ""

    @cached_property
    def depths(self) -> list[int]:
        """How many brackets are open around each token; a bracket is outside of itself."""
        depths, depth = [], 0
        for token in self.tokens:
            depth -= token.text in CLOSING
            depths.append(depth)
            depth += token.text in OPENING
        return depths

    @cached_property
    def targets(self) -> tuple[int, int]:
        """The tokens that are given values: from this one, up to this one."""
        if self.word == "macro":
            return 2, len(self.tokens)
        stop = {"for": "in", "set": "="}.get(self.word)
        return (1, self.until(1, (stop,))) if stop else (0, 0)

    def until(self, k: int, stops: Sequence[str], step: int = 1) -> int:
        """The first token from the k-th on that ends what stands there: one of these at the same
        depth, or the bracket around it."""
        depth = self.depths[k]
        while 0 <= k < len(self.tokens):
            is_stop = self.depths[k] == depth and self.tokens[k].text in stops
            if is_stop or self.depths[k] < depth:
                break
            k += step
        return k

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Where some tokens stand."""
        return self.tokens[first].start, self.tokens[after - 1].end

    def text(self, first: int, after: int) -> str:
        """What some tokens say."""
        start, end = self.span(first, after)
        return self.source[start:end]


def gaps(text: str) -> list[Gap]:
    """The gaps of a template."""
    found: list[Gap] = []
    inside: list[Token] = []
    start = 0
    for token in tokens(text):
        if token.kind.endswith("_begin"):
            inside, start = [], token.start
        elif token.kind.endswith("_end"):
            kind = token.kind.removesuffix("_end")
            end = token.start + len(token.text.rstrip())
            found.append(Gap(kind, start, end, tuple(inside), text))
        elif token.kind not in ("data", "whitespace"):
            inside.append(token)
    return found


def locals_of(inside: Iterable[Gap]) -> list[str]:
    """The names that gaps give values to: arguments of a macro, loops, and settings."""
    found: dict[str, None] = {}
    for gap in inside:
        for token in gap.tokens[slice(*gap.targets)]:
            if token.kind == "name":
                found[token.text] = None
    return list(found)
