"""Finding a layer among arrays by their names and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from derive.nodes import CellError
from derive.weights.layout import Convention, Operator
from derive.weights.stored import Stack, Stored, Values, taken_apart


def stored_layers(
    found: Convention,
    operators: Sequence[Operator],
    arrays: Mapping[str, Values],
    prefix: str | None,
    stack: Stack,
) -> list[Stored]:
    """The layers that the arrays may be, those in most of them; CellError where they are none, or
    several by different names."""
    suffixes = stack.suffixes(found)
    fronts = prefixes(found, list(arrays), suffixes) if prefix is None else [prefix]
    direction = int(found.directions and stack.reverse)
    by_front = {
        front: [
            one
            for operator in operators
            for suffix in suffixes
            for one in [taken_apart(found, operator, arrays, (front, suffix), direction)]
            if one is not None
        ]
        for front in fronts
    }
    several = [front for front, some in by_front.items() if some]
    if len(several) > 1:
        raise CellError(
            f"there are several layers; say which: --prefix {' or '.join(map(repr, several))}"
        )
    if not several:
        raise CellError(_none(operators[0], arrays, fronts, suffixes))
    (some,) = filter(None, by_front.values())
    most = max(len(one.names) for one in some)
    return [one for one in some if len(one.names) == most]


def _none(
    first: Operator, arrays: Mapping[str, Values], fronts: list[str], suffixes: list[str]
) -> str:
    """The error message where no layer was found."""
    front, suffix = (fronts or [""])[0], suffixes[0]
    wanted = ", ".join(f"{front}{a.name}{suffix}" for a in first.arrays)
    there = ", ".join(list(arrays)[:12]) + ", …" * (len(arrays) > 12)
    return (
        f"no such layer is there: {first.title} would have {wanted}, in shapes that fit together, "
        f"and there are {there or 'no arrays'}"
    )


def prefixes(convention: Convention, names: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """What stands before the names of arrays that are a layer's, in the order of the file."""
    first = {f"{o.arrays[0].name}{s}" for o in convention.operators for s in suffixes}
    found = [
        name.removesuffix(end)
        for name in names
        for end in first
        if name.endswith(end) and (name == end or not name.removesuffix(end)[-1].isalnum())
    ]
    return list(dict.fromkeys(found))
