"""The numbers that the source S4 works out by hand, computed by the generated modules.

S4 tells the LSTM as a scalar unit: long memory zl (here c), short memory zs (h), one input x1, and
for every gate a weight wi of the input, a weight ws of the short memory, and a bias. That is the
generated LSTM with one input and one hidden unit. Where S4 misprints a number, the test's docstring
says so; what is asserted is the right value.

A gate is read off the state: with g = 0 the new long memory is f∘c, so c = 1 shows f; with c = 0
and a wide open input gate it is g.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from generated import lstm, rnn

OPEN = 1e4  # a bias that saturates a gate: exactly 1 in float64


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def column(value):
    return np.full((1, 1), float(value))


def one_step(params, zs, x1, zl):
    """(short memory, long memory) after one step, through `step` and through `forward` alike."""
    state = lstm.State(h=column(zs), c=column(zl))
    y, after = lstm.step(params, column(x1), state)
    ys, final, _ = lstm.forward(params, column(x1)[None], state)
    for a, b in [(y, ys[0]), (after.h, final.h), (after.c, final.c), (y, after.h)]:
        np.testing.assert_allclose(a, b, rtol=1e-15)
    return after.h.item(), after.c.item()


def forget_gate(zs, x1, wi, ws, bias=0.0):
    """f, read off c' = f∘c + i∘g with c = 1 and g = tanh(0) = 0."""
    params = lstm.Params(1, 1)
    params["W_f"][...], params["U_f"][...], params["b_f"][...] = wi, ws, bias
    return one_step(params, zs, x1, zl=1.0)[1]


def candidate(zs, x1, wi, ws, bias=0.0):
    """g, read off c' = f∘c + i∘g with c = 0 and i = 1; the RNN computes the same tanh."""
    params = lstm.Params(1, 1)
    params["W_g"][...], params["U_g"][...], params["b_g"][...] = wi, ws, bias
    params["b_i"][...] = OPEN
    g = one_step(params, zs, x1, zl=0.0)[1]

    simple = rnn.Params(1, 1)
    simple["W"][...], simple["U"][...], simple["b"][...] = wi, ws, bias
    y, after = rnn.step(simple, column(x1), rnn.State(h=column(zs)))
    ys, final, _ = rnn.forward(simple, column(x1)[None], rnn.State(h=column(zs)))
    for value in (y, after.h, ys[0], final.h):
        assert value.item() == pytest.approx(g, rel=1e-15, abs=1e-15)
    return g


# --- the six cases -------------------------------------------------------------------------------


def test_forget_related():
    """S4 prints "f(21.0) = 0.95": the argument is 1·1 + 2·1 = 3.0, a misprint; 0.95 is f(3)."""
    assert forget_gate(zs=1, x1=1, wi=1, ws=2) == pytest.approx(0.952574, abs=5e-7)
    assert forget_gate(zs=1, x1=1, wi=1, ws=2) == pytest.approx(sigmoid(3), rel=1e-15)


def test_forget_opposed():
    """S4 prints "f(0.0) = 0.5": with its weights the argument is 1·(-1) + 2·1 = 1.0, so the gate
    is f(1) = 0.731059."""
    assert forget_gate(zs=1, x1=-1, wi=1, ws=2) == pytest.approx(0.731059, abs=5e-7)


def test_forget_opposed_with_equal_weights():
    """S4's f(0.0) = 0.5 is right where both weights are 1, and then it is exact."""
    assert forget_gate(zs=1, x1=-1, wi=1, ws=1) == 0.5


def test_candidate_both_positive():
    """S4 prints 0.995, which is right: tanh(3)."""
    assert candidate(zs=1, x1=1, wi=1, ws=2) == pytest.approx(0.995055, abs=5e-7)


def test_candidate_both_negative():
    """S4 prints -0.995, which is right: tanh(-3)."""
    assert candidate(zs=-1, x1=-1, wi=1, ws=2) == pytest.approx(-0.995055, abs=5e-7)


def test_candidate_opposed():
    """S4 prints "F(1·1 + 2·-1) = -0.76", with the weights swapped: as stated the argument is
    1·(-1) + 2·1 = 1, and tanh(1) = +0.761594."""
    assert candidate(zs=1, x1=-1, wi=1, ws=2) == pytest.approx(0.761594, abs=5e-7)


def test_candidate_opposed_as_printed():
    """S4's -0.76 belongs to the opposite case, zs = -1 and x1 = 1."""
    assert candidate(zs=-1, x1=1, wi=1, ws=2) == pytest.approx(-0.761594, abs=5e-7)


def test_candidate_cancelling():
    """S4 prints "F(1·1 + 10·-1) = 0.0": the argument is 1·(-1) + 1·1 = 0, a misprint; tanh(0) = 0
    is right, and exact."""
    assert candidate(zs=1, x1=-1, wi=1, ws=1) == 0.0


# --- the seven steps -----------------------------------------------------------------------------


def test_the_seven_steps():
    """One step of the unit, in S4's order and with S4's names, is one step of the LSTM."""
    Ws = dict(zip("1234", (0.7, -0.4, 1.3, 0.9), strict=True))
    Wi = dict(zip("1234", (0.2, 1.1, -0.6, 0.5), strict=True))
    Bias = dict(zip("1234", (0.1, -0.3, 0.4, -0.2), strict=True))
    zl, zs, x1 = 0.8, -0.5, 1.7

    def a(k):
        return Ws[k] * zs + Wi[k] * x1 + Bias[k]

    kept = zl * sigmoid(a("1"))  # 1 the share of the old long memory to keep
    new = math.tanh(a("2"))  # 2 the new long memory
    share = new * sigmoid(a("3"))  # 3 the share of it to keep
    long = kept + share  # 4 the long memory updated
    short = math.tanh(long)  # 5 the new short memory
    let_out = sigmoid(a("4"))  # 6 the share of it to keep
    want = short * let_out  # 7 the short memory updated

    params = lstm.Params(1, 1)
    for k, gate in zip("1234", "fgio", strict=True):
        params[f"W_{gate}"][...] = Wi[k]
        params[f"U_{gate}"][...] = Ws[k]
        params[f"b_{gate}"][...] = Bias[k]
    zs_after, zl_after = one_step(params, zs, x1, zl)
    assert zl_after == pytest.approx(long, rel=1e-14)
    assert zs_after == pytest.approx(want, rel=1e-14)


def test_a_series_starts_from_empty_memories():
    """S4 starts the series with both memories 0: leaving the state out says the same."""
    params = lstm.init(np.random.default_rng(0), 1, 1)
    series = np.array([5.0, 1.0, 2.0]).reshape(3, 1, 1)
    zero = lstm.State(h=column(0), c=column(0))
    np.testing.assert_array_equal(
        lstm.forward(params, series)[0], lstm.forward(params, series, zero)[0]
    )


def test_short_memory_is_never_beyond_one():
    """S4's picture shows a short memory of 2.0 after the input 5. It is o·tanh(·), so it cannot
    be: the figure is a picture, not a result. The long memory may well be 3.0."""
    rng = np.random.default_rng(1)
    largest = 0.0
    for _ in range(50):
        params = lstm.Params(1, 1)
        params.flat[:] = rng.normal(scale=10, size=params.flat.size)
        xs = rng.normal(scale=10, size=(20, 4, 1))
        ys, _, tape = lstm.forward(params, xs)
        assert np.all(np.abs(ys) <= 1)
        largest = max(largest, np.abs(tape.c_s).max())
    assert largest > 3.0


# --- claims --------------------------------------------------------------------------------------


def test_gates_lie_between_forgetting_and_keeping():
    """A gate lies in (0, 1), more for a larger argument; tanh lies in (-1, 1) and keeps the
    sign."""
    arguments = np.linspace(-15, 15, 61)
    gate = np.array([forget_gate(0, 0, 0, 0, bias) for bias in arguments])
    squashed = np.array([candidate(0, 0, 0, 0, bias) for bias in arguments])
    assert np.all((gate > 0) & (gate < 1)) and np.all(np.diff(gate) > 0)
    assert np.all(np.abs(squashed) < 1) and np.all(np.diff(squashed) > 0)
    np.testing.assert_array_equal(np.sign(squashed), np.sign(arguments))
    np.testing.assert_allclose(gate + gate[::-1], 1, rtol=1e-15)


def test_zero_forgets_all_and_one_keeps_all():
    """With the forget gate shut the long memory is gone, with it open it is untouched, exactly."""
    assert forget_gate(0, 0, 0, 0, bias=-OPEN) == 0.0
    assert forget_gate(0, 0, 0, 0, bias=OPEN) == 1.0


def test_the_more_they_disagree_the_more_is_forgotten():
    """For a given short memory, the forget gate falls as the input turns against it."""
    agreement = [forget_gate(zs=1, x1=x, wi=1, ws=2) for x in np.linspace(1, -3, 20)]
    assert all(a > b for a, b in pairwise(agreement))


def test_tanh_stops_what_would_explode():
    """Multiplied by 3 at every step, values explode; through tanh they settle (S1)."""
    params = rnn.Params(1, 1)
    params["U"][...] = 3.0
    xs = np.zeros((50, 1, 1))
    ys, _, _ = rnn.forward(params, xs, rnn.State(h=column(1)))
    assert 3.0**50 > 1e23
    assert np.all(np.abs(ys) < 1)
    fixed = ys[-1].item()
    assert fixed == pytest.approx(math.tanh(3 * fixed), rel=1e-12)


@pytest.mark.parametrize("w", [0.5, 0.9, 1.0, 1.5])
def test_an_rnn_s_gradient_is_a_product_of_jacobians(w):
    """Along the simple RNN the gradient is Π w(1 - h²): about w^n near 0, vanishing or
    exploding."""
    T, h0 = 40, 1e-12  # so small that tanh is the identity
    params = rnn.Params(1, 1)
    params["U"][...] = w
    ys, _, tape = rnn.forward(params, np.zeros((T, 1, 1)), rnn.State(h=column(h0)))
    _, _, dstate = rnn.backward(params, tape, np.zeros_like(ys), rnn.State(h=column(1)))
    assert dstate.h.item() == pytest.approx(w**T, rel=1e-9)

    params["b"][...] = 0.3
    ys, _, tape = rnn.forward(params, np.zeros((T, 1, 1)))
    _, _, dstate = rnn.backward(params, tape, np.zeros_like(ys), rnn.State(h=column(1)))
    assert dstate.h.item() == pytest.approx(np.prod(w * (1 - ys**2)), rel=1e-9)


def test_along_the_long_memory_the_factor_is_the_forget_gate():
    """dc_T/dc_0 = Π f_t where the gates see the input alone: with f near 1 it does not vanish."""
    T = 100
    rng = np.random.default_rng(3)
    params = lstm.Params(1, 1)
    for gate in "ifgo":
        params[f"W_{gate}"][...] = rng.normal()
    params["b_f"][...] = 2.0
    xs = rng.normal(size=(T, 1, 1))
    ys, _, tape = lstm.forward(params, xs)
    seed = lstm.State(h=column(0), c=column(1))
    _, _, dstate = lstm.backward(params, tape, np.zeros_like(ys), seed)
    f = 1 / (1 + np.exp(-(params["W_f"].item() * xs + 2.0)))
    assert dstate.c.item() == pytest.approx(np.prod(f), rel=1e-9)

    params["b_f"][...] = OPEN
    ys, _, tape = lstm.forward(params, xs)
    _, _, dstate = lstm.backward(params, tape, np.zeros_like(ys), seed)
    assert dstate.c.item() == 1.0
