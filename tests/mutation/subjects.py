"""The cells whose modules are changed, or have to tell that something else was changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from derive.cell import Cell
from derive.compiler import generate
from derive.library import load

HERE = Path(__file__).parent
OWN = (
    "words",
    "constants",
    "counted",
    "memory",
    "headed",
    "timed",
    "bare",
    "fading",
)  # cells of this folder


@dataclass(frozen=True)
class Subject:
    """A generated module: a cell with its options, and what its forward keeps."""

    spec: str
    store: str = "all"

    def __str__(self) -> str:
        return self.spec + (f" ({self.store})" if self.store != "all" else "")

    @property
    def name(self) -> str:
        """The module's name."""
        return self.cell.name

    @property
    def cell(self) -> Cell:
        """The cell, loaded once."""
        return _cell(self.spec)

    @property
    def is_wide(self) -> bool:
        """True if it takes as many inputs as it has units; the contract's tests take fewer."""
        return self.cell.input_is_wide

    @property
    def is_fed_once(self) -> bool:
        """True if it takes one vector, of any length, and gives one: what the contract's tests hand
        in and what they compare."""
        is_alone = self.cell.inputs == (self.cell.input,) and self.cell.number is None
        are_vectors = all(len(q.axes) == 1 for q in (self.cell.input, *self.cell.states))
        return is_alone and are_vectors and not self.is_wide

    @property
    def has_segments(self) -> bool:
        """True if its steps are run a segment at a time, and its tape holds those of one only."""
        return self.store == "checkpoints"

    @property
    def text(self) -> str:
        """The module, unchanged."""
        return _text(self)


@cache
def _cell(spec: str) -> Cell:
    return load(str(HERE / f"{spec}.py") if spec in OWN else spec)


@cache
def _text(subject: Subject) -> str:
    (text,) = generate(subject.cell, store=subject.store).values()
    return text


LSTM, PEEPHOLE, GRU = Subject("lstm"), Subject("lstm_peephole"), Subject("gru")
SLSTM, ANTISYMMETRIC, RNN = Subject("slstm"), Subject("antisymmetric_rnn"), Subject("rnn")
AFTER, PROJECTED = Subject("gru:reset=after"), Subject("lstm_projection")
NORMED = Subject("lstm_layer_norm")  # sums over features, and equal gradients
SCRN = Subject("scrn")  # its output is no state
SRU = Subject("sru")  # takes as many inputs as it has units
WORDS = Subject("words")  # a cell of our own, with every function of the language
CONSTANTS = Subject("constants")  # one that computes with parameters alone
TIMED = Subject("timed")  # one with several inputs, the step's number, and formulas of parameters
COUNTED = Subject("counted", "states")  # one whose input is a number
MEMORY = Subject("memory")  # one with matrices, for each head
HEADED = Subject("headed")  # one whose heads read all of them, and share a matrix
BARE = Subject("bare")  # one without a matrix
FADING = Subject("fading")  # one whose way back reads nothing of a step
CHECKPOINTS = (  # what keeps states of some steps only
    *(Subject("timed", "checkpoints"), Subject("counted", "checkpoints")),
    *(Subject("memory", "checkpoints"), Subject("lstm", "checkpoints")),
)
C_CHECKPOINTS = (CHECKPOINTS[0], *CHECKPOINTS[2:])
STATES = (Subject("lstm", "states"), Subject("gru", "states"))

SUBJECTS = (
    LSTM,
    PEEPHOLE,
    GRU,
    SLSTM,
    ANTISYMMETRIC,
    RNN,
    AFTER,
    PROJECTED,
    SCRN,
    SRU,
    WORDS,
    CONSTANTS,
    TIMED,
    COUNTED,
    MEMORY,
    HEADED,
    FADING,
    NORMED,
    *STATES,
    *CHECKPOINTS,
)
