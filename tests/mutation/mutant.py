"""The definition of a mutant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mutation.subjects import Subject


@dataclass(frozen=True)
class Mutant:
    """One change in one place.

    source    which of the sources it is from
    operator  the kind of change
    place     what was changed: file and function, or cell and equation
    before    the line or the equation as it was
    after     as it is now
    subjects  the cells that it may have to be noticed in
    modules   makes their changed modules, one after another, of which as few are made as will do;
              raises where the change makes generating impossible
    """

    source: str
    operator: str
    place: str
    before: str
    after: str
    subjects: tuple[Subject, ...] = field(compare=False, repr=False)
    modules: Callable[[], Iterable[tuple[Subject, str]]] = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """Its identity: the place, and the line before and after."""
        return self.place, self.before, self.after

    def __str__(self) -> str:
        return f"{self.place}: {self.operator}\n  - {self.before}\n  + {self.after}"


@dataclass(frozen=True)
class Verdict:
    """The result of testing a mutant.

    by  the test that failed, or the earlier failure; empty if it survived; None if it is not a
        mutant, since its code is not valid or is unchanged but for comments
    """

    mutant: Mutant
    by: str | None
