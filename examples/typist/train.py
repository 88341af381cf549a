"""Teach the cell to write: which character comes next in Python's own documentation.

    python examples/typist/train.py build/typist

The folder has the cell's layer for PyTorch, as `derive build examples/typist/typist.py --torch`
writes it. What has been learnt is written beside it, for ONNX and for C:

    cell.npz        the cell's parameters, under the names of its equations
    read_out.npz    the layer behind it: `weight` (A, H) and `bias` (A,)
    weights.h       the same, and the alphabet, as arrays of C

The text is what `help()` prints in Python, 420,000 characters, in small letters. The last twentieth
is never learnt from: on it the model is judged, in bits a character. A guess among all characters
alike takes 5.2 bits, one by how frequent they are 4.5.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

import derive

CELL = Path(__file__).with_name("typist.py")

ALPHABET = " abcdefghijklmnopqrstuvwxyz.,:()_-\"'*="
HIDDEN = 192
SEQUENCES, STEPS = 48, 64  # learnt from at a time
ROUNDS, RATE = 3000, 5e-3  # of Adam; the rate falls to 0 like a cosine


def text() -> str:
    """What there is to learn: words and signs, between single spaces."""
    whole = " ".join(topics[name] for name in sorted(topics)).lower()
    return re.sub(r"\s+", " ", "".join(c for c in whole if c in ALPHABET or c.isspace()))


def encoded(written: str) -> Tensor:
    """The places of characters in the alphabet."""
    return torch.tensor([ALPHABET.index(character) for character in written])


def imported(path: Path) -> ModuleType:
    """A module from its file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        sys.exit(f"{path} is not there: derive build examples/typist/typist.py --torch writes it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class Writer(nn.Module):
    """The cell, and a layer that reads its state out as a score for each character."""

    def __init__(self, layer: type[nn.Module]):
        super().__init__()
        self.cell = layer(len(ALPHABET), HIDDEN)
        self.read_out = nn.Linear(HIDDEN, len(ALPHABET))

    def forward(self, places: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Scores (T, B, A) for what comes next, and the state."""
        hs, h = self.cell(one_hot(places, len(ALPHABET)).to(self.read_out.weight.dtype), h)
        return self.read_out(hs), h


def pieces(places: Tensor) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """Without end: so many steps, what comes after each, and whether they begin anew. One piece
    goes on where the last one ended, so that a state can be handed on."""
    while True:
        start = int(torch.randint(len(places) % SEQUENCES + STEPS, ()))
        rest = places[start:]
        columns = rest[: len(rest) // SEQUENCES * SEQUENCES].reshape(SEQUENCES, -1).T
        for t in range(0, len(columns) - STEPS, STEPS):
            yield columns[t : t + STEPS], columns[t + 1 : t + STEPS + 1], t == 0


def learn(model: Writer, places: Tensor, rounds: int = ROUNDS) -> Iterator[float]:
    """Descend the gradient, and yield the loss of every round, in bits a character."""
    optimiser = torch.optim.Adam(model.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, rounds)
    h = None
    for _, (given, wanted, is_first) in zip(range(rounds), pieces(places), strict=False):
        scores, h = model(given, None if is_first or h is None else h.detach())
        loss = cross_entropy(scores.flatten(0, 1), wanted.flatten())
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        yield loss.item() / math.log(2)


@torch.no_grad()
def judged(model: Writer, places: Tensor) -> float:
    """Bits a character, of a text that was not learnt from, read from its beginning to its end."""
    scores, _ = model(places[:-1, None])
    return cross_entropy(scores.flatten(0, 1), places[1:]).item() / math.log(2)


def read_out_of(model: Writer) -> dict[str, NDArray[np.float32]]:
    """The last layer's arrays: `weight` and `bias`."""
    return {name: tensor.numpy() for name, tensor in model.read_out.state_dict().items()}


def numbers(array: NDArray[np.float32]) -> str:
    """Numbers of an array as C has them, all of their digits, eight on a line."""
    flat = [f"{number:.9g}" for number in array.ravel().tolist()]
    whole = [n if {".", "e"} & {*n} else f"{n}.0" for n in flat]
    lines = [", ".join(f"{n}F" for n in whole[k : k + 8]) for k in range(0, len(whole), 8)]
    return ",\n  ".join(lines)


def header(model: Writer, cell: NDArray[np.float32]) -> str:
    """All parameters as C takes them, those of the cell as one array."""
    signs = ALPHABET.replace("\\", r"\\").replace('"', r"\"")
    arrays = {"CELL": cell, **{name.upper(): a for name, a in read_out_of(model).items()}}
    lines = [
        "/* What train.py has learnt. */",
        f'static const char ALPHABET[] = "{signs}";',
        f"enum {{ CHARACTERS = {len(ALPHABET)}, UNITS = {HIDDEN} }};",
        *(f"static const float {n}[] = {{\n  {numbers(a)}}};" for n, a in arrays.items()),
    ]
    return "\n".join(lines) + "\n"


def write(model: Writer, folder: Path) -> None:
    """What has been learnt, into files."""
    params = derive.module(derive.load(CELL)).Params(len(ALPHABET), HIDDEN, np.float32)
    for name, tensor in model.cell.state_dict().items():
        params[name] = tensor.numpy()  # the names are the equations' everywhere
    params.save(folder / "cell.npz")
    np.savez(folder / "read_out.npz", **read_out_of(model))
    (folder / "weights.h").write_text(header(model, params.flat), encoding="ascii")


def read(folder: Path) -> Writer:
    """The model of what `write` has written."""
    model = Writer(imported(folder / "typist.py").Typist)
    for part, name in ((model.cell, "cell"), (model.read_out, "read_out")):
        with np.load(folder / f"{name}.npz") as arrays:
            part.load_state_dict({key: torch.from_numpy(arrays[key]) for key in part.state_dict()})
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description="Teach the cell to write.")
    parser.add_argument("folder", type=Path, help="where the layer is, and what is learnt goes")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"of Adam; {ROUNDS}")
    given = parser.parse_args()
    folder, rounds = given.folder, given.rounds
    torch.manual_seed(0)
    model = Writer(imported(folder / "typist.py").Typist)
    places = encoded(text())
    learnt, kept = places[: -len(places) // 20], places[-len(places) // 20 :]
    count = sum(map(torch.numel, model.parameters()))
    print(f"{len(learnt)} characters to learn from, {count} parameters")
    begun = time.perf_counter()
    for n, loss in enumerate(learn(model, learnt, rounds), 1):
        if n % -(-rounds // 5) == 0:
            spent = time.perf_counter() - begun
            print(f"round {n}: {loss:.2f} bits a character, after {spent:.0f} s", flush=True)
    print(f"of text it has never seen: {judged(model, kept):.2f} bits a character")
    write(model, folder)


if __name__ == "__main__":
    main()
