"""Entries of flat arrays, and sums, in the signs that C and JavaScript share."""

from __future__ import annotations


def times(count: str, length: str) -> str:
    """So many of a length: ``T * B * 4 * H``."""
    if length in ("", "1"):
        return count
    if count == "":
        return length
    return f"{count} * ({length})" if " + " in length else f"{count} * {length}"


def place(length: str, row: str, before: str = "", column: str = "") -> str:
    """Where in a flat array something lies: in a row of this length, so far behind its start."""
    brackets = f"({length})" if " + " in length else length
    start = row if length == "1" or not row else f"{brackets} * {row}"
    return " + ".join(part for part in (start, before, column) if part) or "0"


def behind(row: str, rows: str) -> str:
    """The row that lies so many rows behind another, or behind the first."""
    return f"({row} + {rows})" if row else rows


def entry(array: str, where: str) -> str:
    """One number of an array."""
    return f"{array}[{where}]"


def added(first: str, second: str) -> str:
    """The sum of two formulas."""
    return f"{first} - {second[1:]}" if second.startswith("-") else f"{first} + {second}"
