"""The results of all mutants: progress, a table, and the survivors."""

from __future__ import annotations

import re
import time
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from progress import Progress

from mutation.mutant import Mutant, Verdict
from mutation.processes import TIME

EQUIVALENT = Path(__file__).parent / "equivalent.toml"
COLUMNS = ("mutants", "killed", "survived", "equivalent")


@dataclass(frozen=True)
class Pattern:
    """Mutants that are equivalent; … stands for anything."""

    place: str
    before: str
    after: str

    def fits(self, mutant: Mutant) -> bool:
        """True if a mutant is one of these."""
        return all(fits(*pair) for pair in zip((self.place, self.before, self.after), mutant.key,
                                               strict=True))  # fmt: skip


def fits(pattern: str, text: str) -> bool:
    """True if a text matches a pattern."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), text) is not None


def equivalents(path: Path = EQUIVALENT) -> list[tuple[str, list[Pattern]]]:
    """The known equivalent mutants: reasons, and the mutants that each is the reason for."""
    groups = tomllib.loads(path.read_text(encoding="utf-8"))["equivalent"]
    return [(" ".join(g["why"].split()), list(patterns(g["mutants"]))) for g in groups]


def patterns(text: str) -> Iterable[Pattern]:
    """Patterns as they are written: place, a line that begins with -, one that begins with +."""
    lines = [line.strip() for line in text.strip().splitlines()]
    for place, before, after in zip(*(lines[k::3] for k in range(3)), strict=True):
        if not (before.startswith("- ") and after.startswith("+ ")):
            raise ValueError(f"not a mutant: {place} {before} {after}")
        yield Pattern(place, before[2:], after[2:])


class Report:
    """Takes verdicts as they come, and sums them up in the end."""

    def __init__(self, total: int):
        self.progress, self.told = Progress(total, "changes"), 0
        self.known = equivalents()
        self.counts: dict[tuple[str, str], Counter[str]] = {}
        self.survivors: list[Mutant] = []
        self.reasons: Counter[str] = Counter()
        self.used: set[Pattern] = set()
        self.none = self.slow = 0

    def tell(self, verdict: Verdict) -> None:
        """Count one verdict, and show how far it is."""
        self.told += 1
        self.count(verdict)
        found = f"{len(self.survivors)} survived" if self.survivors else "none survived"
        self.progress.tell(self.told, found)

    def count(self, verdict: Verdict) -> None:
        """One verdict, in its row of the table."""
        mutant = verdict.mutant
        if verdict.by is None:
            self.none += 1
            return
        row = self.counts.setdefault((mutant.source, mutant.operator), Counter())
        row["mutants"] += 1
        if verdict.by:
            row["killed"] += 1
            self.slow += verdict.by == TIME
        elif reason := self.reason(mutant):
            row["equivalent"] += 1
            self.reasons[reason] += 1
        else:
            row["survived"] += 1
            self.survivors.append(mutant)

    def reason(self, mutant: Mutant) -> str | None:
        """The reason why a survivor is equivalent, if it is known to be."""
        for why, known in self.known:
            for pattern in known:
                if pattern.fits(mutant):
                    self.used.add(pattern)
                    return why
        return None

    def show(self) -> None:
        """The table, the reasons, and the survivors."""
        self.progress.end()
        print(f"\n{'source':12} {'operator':18}" + "".join(f"{c:>12}" for c in COLUMNS))
        for source in dict.fromkeys(source for source, _ in self.counts):
            rows = {o: row for (s, o), row in self.counts.items() if s == source}
            for operator, row in sorted(rows.items()):
                self.row(source, operator, row)
            self.row(source, "all", sum(rows.values(), Counter()))
            print()
        self.row("all", "", sum(self.counts.values(), Counter()))
        print(f"\n{self.none} other changes are no mutants: they change nothing, or are no Python.")
        print(f"{self.slow} of the killed took too long, which may be the machine's fault.")
        if self.reasons:
            print("\nEquivalent:")
        for why, count in self.reasons.items():
            print(f"{count:6}  {why}")
        if self.survivors:
            print("\nSurvived, and not known to be equivalent:\n")
        for mutant in self.survivors:
            print(mutant)
        print(f"\n{time.monotonic() - self.progress.started:.0f} s")

    def row(self, source: str, operator: str, row: Counter[str]) -> None:
        """One row of the table."""
        print(f"{source:12} {operator:18}" + "".join(f"{row[c]:12}" for c in COLUMNS))

    def unused(self) -> list[Pattern]:
        """Patterns that no survivor fits any more."""
        return [p for _, known in self.known for p in known if p not in self.used]
