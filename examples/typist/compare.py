"""What PyTorch, onnxruntime and C make of the same text, character by character.

    python examples/typist/compare.py build/typist

The folder has what `train.py` has learnt, and what the commands in docs/typist.md made of it. The
scores of all characters are compared after each that is read, and how well each guesses the next.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from train import ALPHABET, HIDDEN, encoded, one_hot, read, text

Array = NDArray[np.float32]
READ = 2000  # characters, of the end that was not learnt from


@torch.no_grad()
def of_pytorch(folder: Path, written: str) -> Array:
    """All characters at once."""
    scores, _ = read(folder)(encoded(written)[:, None])
    return scores[:, 0].numpy()


def of_onnx(folder: Path, written: str) -> Array:
    """One character after another: the state that comes out goes in again."""
    session = onnxruntime.InferenceSession(folder / "typist.onnx")
    layer = np.load(folder / "read_out.npz")

    def streamed() -> Iterator[Array]:
        h = np.zeros((1, HIDDEN), np.float32)
        for x in one_hot(encoded(written), len(ALPHABET)).numpy().astype(np.float32):
            ys, h = session.run(None, {"xs": x[None, None], "h": h})
            yield layer["weight"] @ ys[0, 0] + layer["bias"]

    return np.array([*streamed()])


def of_c(folder: Path, written: str) -> Array:
    """One character after another, by the program, which says its scores."""
    line = [folder / "keyboard", "--scores", written]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    return np.array([row.split() for row in said.splitlines()], np.float32)


def bits(scores: Array, written: str) -> float:
    """How many bits the next character takes, on average."""
    logits = scores[:-1].astype(float)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -float(np.log2(np.e) * logs[range(len(logs)), encoded(written[1:])].mean())


def main() -> None:
    folder, written = Path(sys.argv[1]), text()[-READ:]
    ours = of_pytorch(folder, written)
    print(f"{'PyTorch':12}{bits(ours, written):8.4f} bits a character")
    for name, of in (("onnxruntime", of_onnx), ("C", of_c)):
        scores = of(folder, written)
        error = np.abs(scores - ours).max() / np.abs(ours).max()
        told = f"{bits(scores, written):8.4f} bits a character, within {error:.0e} of PyTorch"
        print(f"{name:12}{told}")
        if not error < 1e-5:
            sys.exit("these are not the same numbers")


if __name__ == "__main__":
    main()
