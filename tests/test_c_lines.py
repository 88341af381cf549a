"""Lines of C are short, as clang-format would break them, and folding changes nothing else."""

from __future__ import annotations

import re
from itertools import product

import pytest
from some_cells import sampled

from derive.backends.c import POLICY
from derive.backends.c.files import module_of
from derive.backends.c.lines import WIDTH, folded
from derive.library import load, names
from derive.program.program import Program
from derive.render import render

# What clang-format 14 makes of these, in Google's style and 60 columns.
LAID = """\
  multiply(packed, 4 * H, H, xs + I * first, I, gates_s, 4 * H, last - first, SET);
  multiply(packed, 4 * H, H, xs + I * first, I, gates_s,
           4 * H, last - first, SET);

void lstm_step(const lstm_run *run, const lstm_real *params, lstm_real *ys) {
void lstm_step(const lstm_run *run, const lstm_real *params,
               lstm_real *ys) {

  const real dc_next = dh_next * o * one_minus_squared + dc;
  const real dc_next = dh_next * o * one_minus_squared + dc;

  const real dc_next = dh_next * o * one_minus_squared + dc_carry;
  const real dc_next =
      dh_next * o * one_minus_squared + dc_carry;

  sum += dh_next_dot * o * one_minus_squared + f * dc_next_carry_dot;
  sum += dh_next_dot * o * one_minus_squared +
         f * dc_next_carry_dot;

static size_t share(size_t length, size_t part) { return length * part / 7; }
static size_t share(size_t length, size_t part) {
  return length * part / 7;
}

/* One of several threads makes its share of the entries. */
/* One of several threads makes its share of the entries. */

  /* Sums over rows. One of several threads makes its share of them. */
  /* Sums over rows. One of several threads makes its share
   * of them. */
"""


@pytest.mark.parametrize("example", LAID.split("\n\n"))
def test_a_long_line_is_laid_out_as_clang_format_does(example):
    line, _, laid = example.strip("\n").partition("\n")
    assert folded(line, 60) == laid


def test_remarks_stand_below_each_other():
    fields = "  size_t I; /* inputs */\n  size_t count; /* of all */\n} sizes;"
    assert folded(fields) == (
        "  size_t I;     /* inputs */\n  size_t count; /* of all */\n} sizes;"
    )


@pytest.mark.parametrize("name", sampled(names(), ["lstm_peephole", "fast_weights", "gru_d"]))
def test_lines_are_short_and_folding_changes_nothing_else(name):
    for store, end in product(("all", "checkpoints"), ("h", "c")):
        module = module_of(Program(load(name), store, POLICY))
        whole = render(f"c/module.{end}.j2", module=module)
        text = folded(whole)
        assert not [
            row for row in text.split("\n") if len(row) > WIDTH and not row.startswith(" *")
        ]
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]$", text, re.M)
        assert folded(text) == text
        assert tokens(text) == tokens(whole)


def tokens(text):
    """The text without space, and without the stars at the head of a comment's lines."""
    return re.sub(r"\s+", "", re.sub(r"^ *\*(?!/)", "", text, flags=re.M))
