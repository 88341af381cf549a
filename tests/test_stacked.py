"""PyTorch's routines do for all gates at once what can be done so: how many calls a step makes, and
where each whole is made, handed on and cut."""

from __future__ import annotations

import ast

import pytest
from some_cells import SEVERAL, VECTORS

from derive.backends.torch.module import POLICY, Module
from derive.library import load
from derive.program.program import Program


def module(name):
    return Module(Program(load(name), policy=POLICY))


def lines(phase):
    return [f"{line.name} = {line.text}" for line in phase]


def calls(phase):
    """How many operations the lines of a phase are: calls, and signs between operands; cutting and
    looking at a part are none."""
    kinds = ast.Call, ast.BinOp, ast.UnaryOp
    trees = [ast.parse(line.text) for line in phase]
    found = [node for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)]
    return sum("chunk" not in ast.unparse(node) for node in found if not is_number(node))


def is_number(node):
    return not any(isinstance(n, ast.Name) and n.id != "H" for n in ast.walk(node))


def test_a_step_of_the_lstm():
    m = module("lstm")
    assert lines(m.forward.before) == ["a_in_s = x_s @ W_T + b"]
    assert lines(m.forward.during) == [
        "gates = torch.addmm(a_in, h, U_T)",
        "a_i_a_f_a_o = gates[..., :3 * H]",
        "i_f_o = torch.sigmoid(a_i_a_f_a_o)",
        "g = torch.tanh(gates[..., 3 * H:4 * H])",
        "i, f, o = i_f_o.chunk(3, -1)",
        "c_next = torch.addcmul(f * c, i, g)",
        "tanh_c_next = torch.tanh(c_next)",
        "h_next = o * tanh_c_next",
    ]
    assert lines(m.backward.during)[-3:] == [
        "dgates = torch.cat((da_i, da_f, da_o, da_g), -1)",
        "dh = dgates @ U",
        "dc = dc_next * f",
    ]
    assert lines(m.backward.after) == [
        "dx_s = dgates_s @ W",
        "dW_i, dW_f, dW_o, dW_g = _outer(dgates_s, x_s).chunk(4, 0)",
        "dU_i, dU_f, dU_o, dU_g = _outer(dgates_s, h_s).chunk(4, 0)",
        "db_i, db_f, db_o, db_g = dgates_s.sum((0, 1)).chunk(4, 0)",
    ]


def test_what_is_kept_and_handed_on():
    m = module("lstm")
    assert [name for _, name, _ in m.forward.arrays_kept] == ["g_s", "tanh_c_next_s", "i_f_o_s"]
    assert m.tape_names == ["g_s", "tanh_c_next_s", "i_f_o_s", "h_s", "c_s"]
    assert not m.forward.parted, "nobody reads a part of it within forward"
    assert lines(m.backward.before)[0] == "i_s, f_s, o_s = i_f_o_s.chunk(3, -1)"
    assert [name for name, _ in m.forward.arrays_taken] == ["a_in"]
    assert [name for _, name, _ in m.backward.arrays_kept] == ["dgates_s"]


@pytest.mark.parametrize(
    ("name", "there", "back"),
    [
        ("lstm", 7, 9),
        ("gru:reset=after", 11, 8),
        ("lstm_layer_norm", 11, 14),
        ("lem", 11, 11),
        ("mgu", 8, 10),
    ],
)
def test_how_many_operations_a_step_is(name, there, back):
    m = module(name)
    assert (calls(m.forward.during), calls(m.backward.during)) == (there, back)


def test_normalised_gates_are_one_vector():
    """Each gate has a scale and a shift of its own, and all have one mean."""
    m = module("lstm_layer_norm")
    found = lines(m.forward.during)
    for line in ("p, sigma_u = _standardise(gates_1, 1e-05)", "a = torch.addcmul(a_in, s_u, p)"):
        assert line in found
    assert "ds_u_f, ds_u_i, ds_u_o, ds_u_g = (da_s * p_s).sum((0, 1)).chunk(4, 0)" in lines(
        m.backward.after
    )


def test_gates_that_look_at_the_memory_share_what_they_can():
    found = lines(module("lstm_peephole").forward.during)
    assert found[0] == (
        "a_i_part, a_f_part, a_g_part, a_o_part = torch.addmm(a_in, h, U_T).chunk(4, -1)"
    )
    assert "a_i = torch.addcmul(a_i_part, p_i, c)" in found


def test_products_with_two_operands_do_not_share_twice():
    """GRU-D's gates are sums of products with an input that was filled in, and with a state."""
    found = "\n".join(lines(module("gru_d").forward.during))
    assert found.count("a_in_") == 1 and found.count("addmm") == 2


@pytest.mark.parametrize("name", [*VECTORS, *SEVERAL])
def test_every_name_is_there_before_it_is_read(name):
    """And nothing is cut, stacked or put together that nobody reads."""
    m = module(name)
    for r in (m.forward, m.backward, m.jvp, m.there, m.back):
        for phase in (r.once, r.before), (r.during,), (r.parted, r.after):
            made = [n for lines in phase for line in lines for n in line.name.split(", ")]
            assert len(made) == len(set(made)) or r.loop.totals, f"{name}: made twice"


def test_what_is_standardised_is_one_call_and_so_is_its_derivative():
    m = module("lstm_layer_norm")
    forward, backward = lines(m.forward.during), lines(m.backward.during)
    assert "p, sigma_u = _standardise(gates_1, 1e-05)" in forward
    assert "dgates_1 = _standardise_slope(dp, p, sigma_u)" in backward
    assert not any(".sum(" in line for line in (*forward, *backward))
