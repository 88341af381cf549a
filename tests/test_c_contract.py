"""Compiled modules keep the contract of every generated module: the same tests, on them.

Left out is what is about complex numbers, which compiled modules do not take, about a single file
that imports NumPy alone, and about functions that are written in NumPy.
"""

from __future__ import annotations

import pytest
import test_contract
import test_contract_details
from compiled import quick
from some_cells import VECTORS, every

pytestmark = pytest.mark.compiler
COMPLEX = {
    "test_every_function_takes_complex_numbers",
    "test_every_partial_derivative_by_complex_step",
    "test_hvp_is_the_derivative_of_the_gradient",
    "test_hvp_of_a_loss_that_is_not_linear",
}
ONE_FILE = {
    "test_it_imports_numpy_and_the_standard_library_alone",
    "test_it_works_where_there_is_nothing_else",
    "test_importing_it_prints_nothing_and_has_no_effect",
}
FUNCTIONS = {
    "test_a_function_s_values_are_of_its_argument_s_dtype",
    "test_a_function_works_in_place",
    "test_a_jump_is_half_way_at_zero",
}
FEW = ("lstm", "lstm_projection", "slstm")


@pytest.fixture(
    params=[pytest.param(n, marks=[every] * (n not in FEW)) for n in VECTORS], scope="module"
)
def m(request):
    return quick(request.param)


rng = test_contract.rng
TESTS = {
    name: test
    for module in (test_contract, test_contract_details)
    for name, test in vars(module).items()
    if name.startswith("test_")
}
LEFT_OUT = COMPLEX | ONE_FILE | FUNCTIONS
globals().update({name: test for name, test in TESTS.items() if name not in LEFT_OUT})


def test_what_is_left_out_of_the_contract_is_in_it():
    assert {*TESTS} > LEFT_OUT


def test_it_takes_no_complex_numbers():
    with pytest.raises(TypeError, match="dtype must be float64 or float32, not complex128"):
        quick("lstm").Params(2, 3, complex)
