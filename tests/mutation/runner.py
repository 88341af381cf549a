"""Hands every mutant to the tests, each in a process of its own, several at a time.

The tests are collected once, by pytest. Then, instead of running them, this forks: a child puts the
changed module in the place of the right one and runs the tests of that cell, until one fails. So a
mutant costs nothing but the tests that it passes, and can do no harm to the next one.
"""

from __future__ import annotations

import gc
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.runner import runtestprotocol

from mutation.mutant import Mutant, Verdict
from mutation.processes import forked
from mutation.subjects import SUBJECTS, Subject

ROOT = Path(__file__).parents[2]
TESTS = [
    "tests/mutation/proof.py",
    "tests/mutation/callers.py",
    "tests/mutation/segments.py",
    "tests/test_contract.py",
    "tests/test_contract_details.py",
    "tests/test_params.py",
]
# Of the contract, the tests that notice most; then the others, but those that start a Python last.
FIRST = (
    "test_numbers",
    "test_it_computes",
    "test_a_ragged_batch_is_its_sequences_alone",
    "test_every_partial_derivative",
    "test_shapes_and_dtypes",
    "test_a_wrong_argument",
    "test_what_is_left_out",
)
# What holds for a tape that is arrays of all steps, each by its name.
OF_WHOLE_TAPES = (
    "test_what_is_given_may_be_read_only",
    "test_results_share_no_memory",
    "test_the_tape_holds_the_states",
    "test_a_tape_of_another_shape",
)
LAST = ("test_what_would_overflow", "test_it_works_where", "test_importing_it", "test_threads")


def run(mutants: Sequence[Mutant], jobs: int, tell: Callable[[Verdict], None]) -> list[str]:
    """Try every mutant, and tell of each. Returns the tests that fail on what is right."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        plugin = _Plugin(mutants, jobs, tell, Path(folder))
        install_all()
        _names_of_subjects()
        arguments = ["-q", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(ROOT)]
        files = [str(ROOT / test) for test in TESTS]
        sys.path.insert(0, str(ROOT / "tests"))
        code = pytest.main([*arguments, "-c", str(ROOT / "pyproject.toml"), *files],
                           plugins=[plugin])  # fmt: skip
        if code != 0:
            raise RuntimeError("the tests cannot be collected")
        return plugin.broken


def _names_of_subjects() -> None:
    """The contract's tests are those of the cells that are changed."""
    some = ModuleType("some_cells")
    some.VECTORS = list(dict.fromkeys(s.name for s in SUBJECTS if s.is_fed_once))
    sys.modules["some_cells"] = some


def install(subject: Subject, text: str) -> None:
    """Put a module in the place of the generated one."""
    import generated

    name = f"generated.{subject.name}"
    module = ModuleType(name)
    sys.modules[name] = module  # annotations and pickle look a module up by its name
    exec(compile(text, f"<{name}>", "exec"), module.__dict__)
    setattr(generated, subject.name, module)


def install_all() -> None:
    """Every subject's right module, the first of each name."""
    for subject in {s.name: s for s in reversed(SUBJECTS)}.values():
        install(subject, subject.text)


class _Plugin:
    def __init__(
        self,
        mutants: Sequence[Mutant],
        jobs: int,
        tell: Callable[[Verdict], None],
        folder: Path,
    ):
        self.mutants, self.jobs, self.tell, self.folder = mutants, jobs, tell, folder
        self.broken: list[str] = []
        self.items: dict[str, list[pytest.Item]] = {}
        self.right: dict[Subject, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        needed = list(dict.fromkeys(s for m in self.mutants for s in m.subjects))
        self.right = {s: s.text for s in needed}  # made while nothing is changed
        self.items = {str(s): self.of_subject(session, s) for s in needed}
        baseline = forked([(lambda s=s: self.failing(s)) for s in needed], self.jobs)
        for (subject, items), failed in zip(self.items.items(), baseline, strict=True):
            names = [failed] if isinstance(failed, str) else failed
            self.items[subject] = [i for i in items if i.name not in names]
            self.broken += [f"{subject}: {name}" for name in names]
        gc.freeze()  # what is there stays: the children need not look at it
        results = forked([(lambda m=m: self.attempt(m)) for m in self.mutants], self.jobs)
        for number, by in enumerate(results):
            self.tell(Verdict(self.mutants[number], by))
        return True

    # which tests

    def of_subject(self, session: pytest.Session, subject: Subject) -> list[pytest.Item]:
        """The tests that a module of it is handed to, the most telling first."""
        if subject not in SUBJECTS:
            raise ValueError(f"{subject} is none of SUBJECTS, whose tests there are")
        items = []
        for item in session.items:
            values = item.callspec.params if hasattr(item, "callspec") else {}
            if subject.has_segments and item.name.startswith(OF_WHOLE_TAPES):
                continue
            if str(subject) == values.get("spec") or subject.name in (
                values.get("m"), values.get("path")
            ):  # fmt: skip
                items.append(item)
        return sorted(items, key=self.rank)

    def rank(self, item: pytest.Item) -> int:
        for rank, start in enumerate(FIRST):
            if item.name.startswith(start):
                return rank
        return len(FIRST) + item.name.startswith(LAST)

    # in a child

    def failing(self, subject: Subject) -> list[str]:
        """The tests that fail on what is right."""
        return list(self.failures(subject, self.right[subject]))

    def attempt(self, mutant: Mutant) -> str | None:
        """The test that a mutant fails; see `Verdict`."""
        verdict = None
        try:
            for subject, text in mutant.modules():
                if code(text) != code(self.right[subject]):
                    compile(text, "<mutant>", "exec")
                    verdict = ""
                    for failed in self.failures(subject, text):
                        return failed
        except SyntaxError:
            return None
        except Exception as error:
            return f"generating it: {type(error).__name__}"
        return verdict

    def failures(self, subject: Subject, text: str) -> Iterator[str]:
        """The tests that fail on a module, one after another."""
        try:
            install(subject, text)
        except Exception as error:
            yield f"importing it: {type(error).__name__}"
            return
        folder = self.folder / str(os.getpid())
        folder.mkdir(exist_ok=True)
        (folder / f"{subject.name}.py").write_text(text, encoding="utf-8")
        items = self.items[str(subject)]
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.module.FOLDER = folder
            reports = runtestprotocol(item, log=False, nextitem=following)
            if any(report.failed for report in reports):
                yield item.name


def code(text: str) -> list[str]:
    """The lines of a module that say something to a machine."""
    lines = (re.sub(r"(^|  )\s*# .*", "", line) for line in text.splitlines())
    return [line for line in lines if line.strip()]
