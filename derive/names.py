"""Names that are made up, and the order of names.

Both are what makes the same cell give the same bytes: a name is chosen by what is taken, and terms
and factors stand in the order in which their names were defined, never in a hash's.
"""

from __future__ import annotations

from collections.abc import Iterable


def fresh(name: str, taken: set[str]) -> str:
    """`name`, or `name` with as many underscores behind it as it takes to be new; it is taken from
    then on."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def ranks(names: Iterable[str]) -> dict[str, int]:
    """A rank for each name, in the order given."""
    return {name: n for n, name in enumerate(dict.fromkeys(names))}
