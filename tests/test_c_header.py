"""The program in a C header's introduction compiles and does what it says; and what is said there
of memory is so.

It is run with addresses and undefined behaviour watched, every array as large as the header says.
"""

from __future__ import annotations

import re
import textwrap

import pytest
from c_programs import COMPILERS, SANITIZED, run
from some_cells import every

from derive.backends.c import POLICY, files
from derive.backends.c.files import module_of
from derive.library import load, names
from derive.program.program import Program

pytestmark = pytest.mark.compiler

# Four states, of which one starts elsewhere, and two inputs.
FEW = [("slstm", "checkpoints"), ("t_lstm", "all")]
# What the example leaves to its reader: memory, random numbers, a loss, a sensor. The loss is half
# the sum of squares of a row, and the sensor gives the same three times.
BEFORE = """
#include "{cell}.h"

#include <stdio.h>
#include <stdlib.h>

typedef {cell}_real real;

static real uniform(void *source) {{
  static unsigned long seed = 1;
  (void)source;
  seed = (seed * 1103515245UL + 12345UL) % 2147483648UL;
  return (real)((double)seed / 2147483648.0);
}}

static real *numbers(size_t count) {{
  real *const those = malloc((count + !count) * sizeof *those);
  for (size_t n = 0; n < count; n++) {{
    those[n] = uniform(NULL);
  }}
  return those;
}}

static real *three_times(const real *row, size_t width) {{
  real *const rows = numbers(3 * width);
  for (size_t n = 0; n < 3 * width; n++) {{
    rows[n] = row[n % width];
  }}
  return rows;
}}

static double first = -1, loss;

static void derivatives(const real *ys, real *dys) {{
  enum {{ T = 50, B = 4, {sizes} }};
  loss = 0;
  for (size_t n = 0; n < {outputs}; n++) {{
    dys[n] = ys[n] / (T * B);
    loss += 0.5 * (double)(ys[n] * dys[n]);
  }}
  first = first < 0 ? loss : first;
}}

static int next(const void *x) {{
  static int left = 3;
  (void)x;
  return left-- > 0;
}}

int main(void) {{
"""
# Forward, over the same three steps.
AFTER = """
  const {cell}_run all = {{.sizes = run.sizes, .steps = 3, .sequences = 1}};
  {cell}_tape kept;
  {cell}_tape_in(&all, numbers({cell}_tape_in(&all, NULL, &kept)), &kept);
  const {inputs};
  real *outputs = numbers(3 * {width});
  {cell}_start(&all, &state); /* the last state where the first one is */
  const {cell}_state from = {{{fields}}};
  {cell}_forward(&all, params, {given}, &from, outputs, &state, &kept,
                 numbers({cell}_forward_work(&all)));
  double apart = 0;
  for (size_t n = 0; n < {width}; n++) {{
    const double error = (double)(outputs[2 * {width} + n] - y[n]);
    apart = error > apart ? error : -error > apart ? -error : apart;
  }}
  printf("%.9g %.9g %.3g\\n", first, loss, apart);
  return 0;
}}
"""


def example(header):
    """The program in a header's introduction, without its first line."""
    (commented,) = re.findall(r"^ \*     (#include .*?\n)(?: \*\n){2}", header, re.M | re.S)
    first, *lines = [line[2:].removeprefix("     ") for line in f" *{commented}".splitlines()]
    assert first.startswith('#include "')
    return textwrap.indent("\n".join(lines), "  ")


def program(module, header):
    """That program, between what it leaves to its reader and what looks at its results."""
    cell, one = module.cell, module.names.one
    x = ", ".join(
        f".{one(q)} = three_times(x.{one(q)}, {module.shape('', q.axes)})" for q in cell.inputs
    )
    if module.has_one_input:
        x = f"real *three = three_times(x, {module.shape('', cell.input.axes)})"
    else:
        x = f"{cell.name}_inputs three = {{{x}}}"
    words = {
        "cell": cell.name,
        "sizes": ", ".join(
            f"{module.names.size(axis)} = {module.example_size(axis)}" for axis in module.axes
        ),
        "outputs": module.shape("T B", cell.output.axes),
        "width": f"({module.shape('', cell.output.axes)})",
        "inputs": x,
        "fields": ", ".join(f".{one(s)} = state.{one(s)}" for s in cell.states),
        "given": "&" * (not module.has_one_input)
        + "three"
        + ", (real[]){1, 2, 3}" * bool(cell.number),
    }
    return BEFORE.format(**words) + example(header) + AFTER.format(**words)


@pytest.mark.parametrize("compiler", COMPILERS[:1])
@pytest.mark.parametrize(
    ("name", "store"),
    [
        pytest.param(name, store, marks=[every] * ((name, store) not in FEW))
        for name in names()
        for store in ("all", "checkpoints")
    ],
)
def test_the_example_of_the_header_trains_and_streams(name, store, compiler, tmp_path):
    made = Program(load(name), store, POLICY)
    texts = files(made)
    texts["main.c"] = program(module_of(made), texts[f"{name}.h"])
    for file, text in texts.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    sources = [tmp_path / "main.c", tmp_path / f"{name}.c"]
    first, last, apart = map(float, run(compiler, sources, tmp_path, SANITIZED).split())
    assert last < first
    assert apart < 1e-5
