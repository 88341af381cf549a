"""The example in C: it learns, in memory that does not grow, and its numbers are NumPy's."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_programs import COMPILERS, ONE, run

import derive
from derive.backends.c import POLICY, files
from derive.library import load
from derive.program.program import Program

pytestmark = pytest.mark.compiler

EXAMPLE = Path(__file__).parent.parent / "examples" / "movements.c"
# The first step of learning, and the same readings one by one.
DRIVER = """
#define main example
#include "movements.c"
#undef main

static void print(const char *name, const gru_real *numbers, size_t length) {
  printf("%s", name);
  for (size_t n = 0; n < length; n++) {
    printf(" %a", (double)numbers[n]);
  }
  printf("\\n");
}

int main(void) {
  if (!begin()) {
    return 1;
  }
  do {
    record(readings, kinds);
  } while (kinds[0] == kinds[STEPS - 1]);
  for (size_t n = cell_count; n < count; n++) { /* or the cell's gradient is 0 */
    params[n] = (gru_real)(n % 7) / 7 - (gru_real)0.5;
  }
  const gru_real loss = loss_and_gradient();
  print("params", params, count);
  print("readings", readings, STEPS * AXES);
  print("loss", &loss, 1);
  print("gradient", gradient, count);
  printf("kinds");
  for (int t = 0; t < STEPS; t++) {
    printf(" %d", kinds[t]);
  }
  printf("\\n");

  static gru_real prepared[2000], streamed[STEPS * UNITS], h[UNITS];
  if (gru_prepared_size(&STREAMING.sizes) > 2000) {
    return 1;
  }
  const gru_state_out state = {h};
  gru_prepare(&STREAMING.sizes, params, prepared);
  gru_start(&STREAMING, &state);
  for (int t = 0; t < STEPS; t++) {
    gru_step(&STREAMING, params, prepared, readings + t * AXES, &state, streamed + t * UNITS, work);
  }
  print("streamed", streamed, STEPS * UNITS);
  return 0;
}
"""


@pytest.fixture(scope="module")
def cell(tmp_path_factory):
    """A folder with the cell's files."""
    folder = tmp_path_factory.mktemp("gru")
    for name, text in files(Program(load("gru"), "all", POLICY)).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_example_learns_and_then_is_right(compiler, cell):
    printed = run(compiler, [EXAMPLE, cell / "gru.c"], cell)
    losses = [float(loss) for loss in re.findall(r"loss ([\d.]+)$", printed, re.M)]
    assert len(losses) == 10
    assert losses[0] > 0.7  # log(4) is what knowing nothing costs
    assert losses[-1] < 0.2
    (right,) = re.findall(r"right after ([\d.]+) %", printed)
    assert float(right) > 95
    learning, streaming = (int(n) for n in re.findall(r"takes (\d+) bytes", printed))
    assert 4 * 324 < streaming < learning < 40_000


@pytest.mark.parametrize("vectors", [[], ["-U__SSE2__", "-U__ARM_NEON"]], ids=["", "without"])
@pytest.mark.parametrize("compiler", ONE)
def test_its_first_step_is_numpy_s(compiler, vectors, cell, tmp_path):
    driver = tmp_path / "driver.c"
    driver.write_text(DRIVER)
    flags = ["-O2", f"-I{EXAMPLE.parent}", "-Wno-unused-function", *vectors]
    printed = run(compiler, [driver, cell / "gru.c"], cell, flags)
    found = {
        name: np.array([float.fromhex(word) if "x" in word else int(word) for word in words])
        for name, *words in map(str.split, printed.splitlines())
    }
    module = derive.module(load("gru"))
    params = module.Params(3, 8)
    count = params.flat.size
    params.flat[:] = found["params"][:count]
    readout, shift = found["params"][count:-4].reshape(4, 8), found["params"][-4:]
    ys, _, tape = module.forward(params, found["readings"].reshape(50, 1, 3))
    np.testing.assert_allclose(found["streamed"], ys.ravel(), rtol=0, atol=2e-6)

    scores = ys[:, 0] @ readout.T + shift
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    wanted = np.eye(4)[found["kinds"]]
    assert len(set(found["kinds"])) > 1
    np.testing.assert_allclose(found["loss"], -np.log(chances[wanted > 0]).mean(), rtol=2e-6)
    by_scores = (chances - wanted) / 50
    dparams, _, _ = module.backward(params, tape, (by_scores @ readout)[:, None])
    gradient = np.concatenate(
        [dparams.flat, (by_scores.T @ ys[:, 0]).ravel(), by_scores.sum(axis=0)]
    )
    assert np.abs(dparams.flat).max() > 0.01
    np.testing.assert_allclose(found["gradient"], gradient, rtol=0, atol=2e-6)


@pytest.mark.parametrize("compiler", ONE)
def test_the_cell_s_file_asks_others_for_nothing_but_bytes_and_mathematics(
    compiler, cell, tmp_path
):
    if not shutil.which("nm"):
        pytest.skip("nm is not installed")
    made = tmp_path / "gru.o"
    subprocess.run(
        [compiler, "-std=c99", "-O2", "-c", cell / "gru.c", "-o", made],
        check=True,
    )
    listed = subprocess.run(["nm", made], capture_output=True, text=True, check=True).stdout
    symbols = [line.split()[-2:] for line in listed.splitlines()]
    asked = {name for kind, name in symbols if kind == "U"} - {"_GLOBAL_OFFSET_TABLE_"}
    assert asked <= {"memcpy", "memset", "sqrtf", "__stack_chk_fail"}
    assert not [name for kind, name in symbols if kind in "BDCbdc"], "a variable of its own"
