"""Every built-in cell once more, written down from its paper: one plain function of torch tensors.

This is an oracle. It was written from the papers (where the wording of one was not at hand, from
what is known of it and from other people's public implementations) and not from `derive/cells`, nor
from anything that is generated from there; only the names and the shapes of the parameters are
shared. The newer cells follow the form that their authors' code has, where it is another: complex
numbers, one matrix of two states, gates side by side in one array. `test_transcriptions` has
PyTorch differentiate these functions and compares.

A function takes the parameters by name, an input x (B, I), or several in a tuple, and the states by
name, each (B, ...); it returns the output and the new states. Where a name can mean two things, a
comment says which one was taken. Nothing here imports torch before a function runs, so that a test
without it can see which cells have a transcription.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import matrix_memories


def sigmoid(a):
    return a.sigmoid()


def tanh(a):
    return a.tanh()


def relu(a):
    return a.relu()


def identity(a):
    return a


ACTIVATIONS = {"tanh": tanh, "sigmoid": sigmoid, "relu": relu, "identity": identity}


def mv(W, x):
    """The matrix W times each vector of a batch."""
    return x @ W.T


def net(p, q, x, h):
    """W_q x + U_q h + b_q."""
    return mv(p[f"W_{q}"], x) + mv(p[f"U_{q}"], h) + p[f"b_{q}"]


# --- simple recurrent networks --------------------------------------------------------------------


def rnn(p, x, s, activation="tanh"):
    """Elman (1990); Le, Jaitly & Hinton (2015) with relu."""
    h = ACTIVATIONS[activation](mv(p["W"], x) + mv(p["U"], s["h"]) + p["b"])
    return h, {"h": h}


def indrnn(p, x, s, activation="relu"):
    """Li et al. (2018): h_t = act(W x_t + u * h_{t-1} + b)."""
    h = ACTIVATIONS[activation](mv(p["W"], x) + p["u"] * s["h"] + p["b"])
    return h, {"h": h}


def scrn(p, x, s, alpha=0.95):
    """Mikolov et al. (2015): slow context s, hidden h with the logistic function; no softmax."""
    context = (1 - alpha) * mv(p["B_x"], x) + alpha * s["s"]
    h = sigmoid(mv(p["P"], context) + mv(p["A"], x) + mv(p["R"], s["h"]))
    y = mv(p["U"], h) + mv(p["V"], context)
    return y, {"h": h, "s": context}


def clockwork_rnn(p, x, s):
    """Koutník et al. (2014), equation 1, as their algorithm has it: the rows of weights of modules
    whose turn it is not are not evaluated. Periods and mask are given."""
    import torch

    x, t = x
    weights, periods = p["U"] * p["M"].detach(), p["period"].detach()
    rows = [
        tanh(x @ p["W"][i] + s["h"] @ weights[i]) if t % float(period) == 0 else s["h"][:, i]
        for i, period in enumerate(periods)
    ]
    h = torch.stack(rows, -1)
    return h, {"h": h}


def fast_weights(p, x, s, decay=0.95, rate=0.5, rounds=1, eps=1e-5):
    """Ba et al. (2016), equation 2: a preliminary vector, then rounds of attention to the past by
    fast weights; layer normalisation without gain and shift."""
    import torch

    A = decay * s["A"] + rate * torch.einsum("bi,bj->bij", s["h"], s["h"])
    sustained = mv(p["W"], s["h"]) + mv(p["C"], x)
    h = relu(sustained)
    for _ in range(rounds):
        a = sustained + torch.einsum("bij,bj->bi", A, h)
        centred = a - a.mean(-1, keepdim=True)
        h = relu(centred / ((centred**2).mean(-1, keepdim=True) + eps).sqrt())
    return h, {"h": h, "A": A}


def fastrnn(p, x, s, activation="tanh"):
    """Kusupati et al. (2018): h_t = alpha * candidate + beta * h_{t-1}, both through a sigmoid."""
    n = ACTIVATIONS[activation](mv(p["W"], x) + mv(p["U"], s["h"]) + p["b"])
    h = sigmoid(p["s_alpha"]) * n + sigmoid(p["s_beta"]) * s["h"]
    return h, {"h": h}


def rhn(p, x, s, depth=2, carry="coupled"):
    """Zilly et al. (2017): s_l = h_l * t_l + s_{l-1} * c_l, the input in the first layer alone."""
    state = s["s"]
    for l in range(1, depth + 1):

        def layer(q, l=l, state=state):
            a = mv(p[f"R_{q}_{l}"], state) + p[f"b_{q}_{l}"]
            return a + mv(p[f"W_{q}_1"], x) if l == 1 else a

        n, t = tanh(layer("n")), sigmoid(layer("t"))
        c = sigmoid(layer("c")) if carry == "own" else 1 - t
        state = n * t + state * c
    return state, {"s": state}


# --- LSTM -----------------------------------------------------------------------------------------


def lstm(p, x, s):
    """Gers, Schmidhuber & Cummins (2000), in the form in which PyTorch has it."""
    i, f = sigmoid(net(p, "i", x, s["h"])), sigmoid(net(p, "f", x, s["h"]))
    g, o = tanh(net(p, "g", x, s["h"])), sigmoid(net(p, "o", x, s["h"]))
    c = f * s["c"] + i * g
    h = o * tanh(c)
    return h, {"h": h, "c": c}


def lstm_1997(p, x, s, squashing="logistic"):
    """Hochreiter & Schmidhuber (1997): no forget gate; g into [-2, 2], h into [-1, 1]."""
    i, o = sigmoid(net(p, "i", x, s["h"])), sigmoid(net(p, "o", x, s["h"]))
    a = net(p, "g", x, s["h"])
    if squashing == "logistic":
        c = s["c"] + i * (4 / (1 + (-a).exp()) - 2)
        h = o * (2 / (1 + (-c).exp()) - 1)
    else:
        c = s["c"] + i * tanh(a)
        h = o * tanh(c)
    return h, {"h": h, "c": c}


def lstm_coupled(p, x, s):
    """As Olah and the sources have it: c_t = f * c_{t-1} + (1 - f) * g; no peepholes."""
    f = sigmoid(net(p, "f", x, s["h"]))
    c = f * s["c"] + (1 - f) * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"])) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_valves(p, x, s):
    """Yan (2016): valves are layers of h, x and the memory; the output valve sees the new one."""
    f = sigmoid(net(p, "f", x, s["h"]) + mv(p["V_f"], s["c"]))
    i = sigmoid(net(p, "i", x, s["h"]) + mv(p["V_i"], s["c"]))
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + mv(p["V_o"], c)) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_working_memory(p, x, s):
    """Landi et al. (2021): the memory enters the gates through tanh of a layer of its own."""
    i = sigmoid(net(p, "i", x, s["h"]) + tanh(mv(p["V_i"], s["c"])))
    f = sigmoid(net(p, "f", x, s["h"]) + tanh(mv(p["V_f"], s["c"])))
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + tanh(mv(p["V_o"], c))) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_projection(p, x, s, peepholes=True):
    """Sak, Senior & Beaufays (2014): r_t = W_rm m_t, m_t = o * tanh(c_t); r is fed back."""
    r, peep = s["h"], {q: p[f"p_{q}"] if peepholes else 0 for q in "ifo"}
    i = sigmoid(net(p, "i", x, r) + peep["i"] * s["c"])
    f = sigmoid(net(p, "f", x, r) + peep["f"] * s["c"])
    c = f * s["c"] + i * tanh(net(p, "g", x, r))
    o = sigmoid(net(p, "o", x, r) + peep["o"] * c)
    r = mv(p["V"], o * tanh(c))
    return r, {"h": r, "c": c}


def lstm_layer_norm(p, x, s, eps=1e-5):
    """Ba, Kiros & Hinton (2016), equations 20 to 22.

    Each product is normalised over all four gates at once. u is taken for the product with the
    state, v for that with the input.
    """
    import torch

    def normal(a):
        mean, var = a.mean(-1, keepdim=True), a.var(-1, keepdim=True, unbiased=False)
        return (a - mean) / (var + eps).sqrt()

    def stack(name):
        return torch.cat([p[f"{name}_{q}"] for q in "fiog"])

    u = stack("s_u") * normal(mv(stack("U"), s["h"])) + stack("t_u")
    v = stack("s_v") * normal(mv(stack("W"), x)) + stack("t_v")
    f, i, o, g = (u + v + stack("b")).chunk(4, -1)
    c = sigmoid(f) * s["c"] + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(p["s_c"] * normal(c) + p["t_c"])
    return h, {"h": h, "c": c}


def lstm_multiplicative(p, x, s, gating="outside"):
    """Krause et al. (2016): m_t = (W_m x) * (U_m h) takes the state's place in the LSTM.

    The authors' Chainer code squashes as here; their older Matlab code has a linear candidate, and
    h_t = tanh(o * c_t).
    """
    m = mv(p["W_m"], x) * mv(p["U_m"], s["h"])
    n, i, o, f = (mv(p[f"W_{q}"], x) + mv(p[f"U_{q}"], m) for q in "niof")
    c = sigmoid(f) * s["c"] + sigmoid(i) * tanh(n)
    h = tanh(c) * sigmoid(o) if gating == "outside" else tanh(sigmoid(o) * c)
    return h, {"h": h, "c": c}


def slstm(p, x, s, forget="sigmoid", stopped=False):
    """Beck et al. (2024), stabilised: the gates divided by exp(m_t), which may be a constant."""

    def layer(q):
        return mv(p[f"W_{q}"], x) + mv(p[f"R_{q}"], s["h"]) + p[f"b_{q}"]

    z, i, f, o = tanh(layer("z")), layer("i"), layer("f"), sigmoid(layer("o"))
    log_f = sigmoid(f).log() if forget == "sigmoid" else f
    m = (log_f + s["m"]).maximum(i)
    m = m.detach() if stopped else m
    i, f = (i - m).exp(), (log_f + s["m"] - m).exp()
    c, n = f * s["c"] + i * z, f * s["n"] + i
    h = o * (c / n)
    return h, {"h": h, "c": c, "n": n, "m": m}


def slstm_of_heads(p, x, s):
    """The same for each head by itself."""
    import torch

    of = [
        slstm({k: W[n] for k, W in p.items()}, x, {k: v[:, n] for k, v in s.items()})
        for n in range(s["h"].shape[1])
    ]
    new = {k: torch.stack([states[k] for _, states in of], dim=1) for k in s}
    return torch.stack([h for h, _ in of], dim=1), new


def elstm(p, x, s):
    """Irie, Gopalakrishnan & Schmidhuber (2024); the output gate is a layer of x and the new c."""
    f = sigmoid(mv(p["W_f"], x) + p["w_f"] * s["c"] + p["b_f"])
    z = tanh(mv(p["W_z"], x) + p["w_z"] * s["c"] + p["b_z"])
    c = s["c"] * f + (1 - f) * z
    h = c * sigmoid(mv(p["W_o"], x) + mv(p["U_o"], c) + p["b_o"])
    return h, {"c": c}


def paralstm(p, x, s):
    """Danieli et al. (2025): coupled gates, peepholes, and a vector wherever the LSTM has U."""

    def layer(q):
        return mv(p[f"W_{q}"], x) + p[f"u_{q}"] * s["h"] + p[f"b_{q}"]

    f = sigmoid(layer("f") + p["p_f"] * s["c"])
    c = f * s["c"] + (1 - f) * tanh(layer("g"))
    h = sigmoid(layer("o") + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_mi(p, x, s):
    """Wu et al. (2016): alpha * Wx * Uh + beta_1 * Uh + beta_2 * Wx + b; beta_2 is gamma here."""

    def layer(q):
        wx, uh = mv(p[f"W_{q}"], x), mv(p[f"U_{q}"], s["h"])
        return p[f"alpha_{q}"] * wx * uh + p[f"beta_{q}"] * uh + p[f"gamma_{q}"] * wx + p[f"b_{q}"]

    c = s["c"] * sigmoid(layer("f")) + sigmoid(layer("i")) * tanh(layer("g"))
    h = tanh(c) * sigmoid(layer("o"))
    return h, {"h": h, "c": c}


def lstm_mogrifier(p, x, s, rounds=5):
    """Melis, Kocisky & Blunsom (2020): x^i = 2 sigma(Q^i h) * x for odd i, h^i = 2 sigma(R^i x) * h
    for even i, then an LSTM of both."""
    h = s["h"]
    for i in range(1, rounds + 1):
        if i % 2 == 0:
            h = 2 * sigmoid(mv(p[f"R_h_{i}"], x)) * h
        else:
            x = 2 * sigmoid(mv(p[f"Q_x_{i}"], h)) * x
    return lstm(p, x, {"h": h, "c": s["c"]})


def lstm_nested(p, x, s):
    """Moniz & Krueger (2017): an LSTM in which an LSTM of i * g, with the hidden state f * c, is
    the memory. V is taken for the inner W; the outer candidate has no squashing function."""
    i, f = sigmoid(net(p, "i", x, s["h"])), sigmoid(net(p, "f", x, s["h"]))
    owns = (("W", "V"), ("U", "U"), ("b", "b"))
    inner = {f"{kind}_{q}": p[f"{own}_{q}_in"] for kind, own in owns for q in "ifgo"}
    c, memory = lstm(inner, i * net(p, "g", x, s["h"]), {"h": f * s["c"], "c": s["m"]})
    h = sigmoid(net(p, "o", x, s["h"])) * tanh(c)
    return h, {"h": h, "c": c, "m": memory["c"]}


def nas(p, x, s):
    """Zoph & Le (2017), as TensorFlow's NASCell has it, without biases."""
    ins = [mv(p[f"W_a_{k}"], x) for k in range(8)]
    hs = [mv(p[f"U_a_{k}"], s["h"]) for k in range(8)]
    sums = [a + b for a, b in zip(ins, hs, strict=True)]
    l1 = tanh(sigmoid(sums[0]) * relu(sums[1]))
    l2 = tanh(sigmoid(sums[2]) + relu(ins[3] * hs[3]))
    l3 = tanh(tanh(sums[4]) * sigmoid(sums[5]))
    l4 = sigmoid(tanh(sums[6]) + sigmoid(sums[7]))
    c = tanh(l1 + s["c"]) * l2
    h = tanh(c * tanh(l3 + l4))
    return h, {"h": h, "c": c}


# --- LSTM: a search space odyssey (Greff et al. 2017), and the peephole LSTM it starts from -------


def lstm_peephole(p, x, s):
    """Gers, Schraudolph & Schmidhuber (2002); the vanilla LSTM of Greff et al."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"])
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_nig(p, x, s):
    """No input gate: i = 1."""
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"])
    c = f * s["c"] + tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_nfg(p, x, s):
    """No forget gate: f = 1."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    c = s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_nog(p, x, s):
    """No output gate: o = 1."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"])
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = tanh(c)
    return h, {"h": h, "c": c}


def lstm_niaf(p, x, s):
    """No input activation function: g(x) = x."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"])
    c = f * s["c"] + i * net(p, "g", x, s["h"])
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_noaf(p, x, s):
    """No output activation function: h(x) = x."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"])
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * c
    return h, {"h": h, "c": c}


def lstm_np(p, x, s):
    """No peepholes."""
    i, f = sigmoid(net(p, "i", x, s["h"])), sigmoid(net(p, "f", x, s["h"]))
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"])) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_cifg(p, x, s):
    """Coupled input and forget gate: f = 1 - i."""
    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"])
    c = (1 - i) * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    h = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c) * tanh(c)
    return h, {"h": h, "c": c}


def lstm_fgr(p, x, s):
    """Full gate recurrence: R_a_b from gate a of the step before to gate b."""

    def seen(b):
        return sum(mv(p[f"R_{a}_{b}"], s[a]) for a in "ifo")

    i = sigmoid(net(p, "i", x, s["h"]) + p["p_i"] * s["c"] + seen("i"))
    f = sigmoid(net(p, "f", x, s["h"]) + p["p_f"] * s["c"] + seen("f"))
    c = f * s["c"] + i * tanh(net(p, "g", x, s["h"]))
    o = sigmoid(net(p, "o", x, s["h"]) + p["p_o"] * c + seen("o"))
    h = o * tanh(c)
    return h, {"h": h, "c": c, "i": i, "f": f, "o": o}


# --- GRU ------------------------------------------------------------------------------------------


def gru(p, x, s, reset="before"):
    """Cho et al. (2014), with the z of Chung et al. (2014): the share of what is new."""
    h = s["h"]
    z, r = sigmoid(net(p, "z", x, h)), sigmoid(net(p, "r", x, h))
    if reset == "before":
        n = tanh(mv(p["W_n"], x) + mv(p["U_n"], r * h) + p["b_n"])
    else:
        n = tanh(mv(p["W_n"], x) + p["b_n"] + r * (mv(p["U_n"], h) + p["d_n"]))
    h = (1 - z) * h + z * n
    return h, {"h": h}


def gru_layer_norm(p, x, s, eps=1e-5):
    """Ba, Kiros & Hinton (2016), as the first authors' code has it, without its biases, and with z
    the share of what is new: both gates are normalised as one long vector."""
    import torch

    def normal(kind, gates, a):
        mean, var = a.mean(-1, keepdim=True), a.var(-1, keepdim=True, unbiased=False)
        scale, shift = (torch.cat([p[f"{n}_{kind}_{q}"] for q in gates]) for n in "st")
        return scale * (a - mean) / (var + eps).sqrt() + shift

    def product(name, gates, a):
        return mv(torch.cat([p[f"{name}_{q}"] for q in gates]), a)

    gates = normal("u", "zr", product("U", "zr", s["h"])) + normal("v", "zr", product("W", "zr", x))
    z, r = sigmoid(gates).chunk(2, -1)
    new = r * normal("u", "n", product("U", "n", s["h"])) + normal("v", "n", product("W", "n", x))
    h = s["h"] + z * (tanh(new) - s["h"])
    return h, {"h": h}


def paragru(p, x, s):
    """Danieli et al. (2025): a GRU with a vector wherever it has U."""

    def layer(q, h):
        return mv(p[f"W_{q}"], x) + p[f"u_{q}"] * h + p[f"b_{q}"]

    z, r = sigmoid(layer("z", s["h"])), sigmoid(layer("r", s["h"]))
    h = z * tanh(layer("n", s["h"] * r)) + (1 - z) * s["h"]
    return h, {"h": h}


def ligru(p, x, s):
    """Ravanelli et al. (2018), without batch normalisation: h_t = z * h_{t-1} + (1 - z) * n."""
    z = sigmoid(net(p, "z", x, s["h"]))
    h = z * s["h"] + (1 - z) * relu(net(p, "n", x, s["h"]))
    return h, {"h": h}


def mgu(p, x, s):
    """Zhou et al. (2016)."""
    f = sigmoid(net(p, "f", x, s["h"]))
    n = tanh(net(p, "n", x, f * s["h"]))
    h = (1 - f) * s["h"] + f * n
    return h, {"h": h}


def positive(a):
    """Feng et al. (2024), appendix B: g(x) = x + 0.5 where x >= 0, else sigma(x)."""
    return (a >= 0) * (a + 0.5) + (a < 0) * sigmoid(a)


CANDIDATES = {"linear": identity, "positive": positive}


def mingru(p, x, s, candidate="linear"):
    """Feng et al. (2024): gate and candidate are layers of the input alone."""
    z = sigmoid(mv(p["W_z"], x) + p["b_z"])
    h = (1 - z) * s["h"] + z * CANDIDATES[candidate](mv(p["W_n"], x) + p["b_n"])
    return h, {"h": h}


def minlstm(p, x, s, candidate="linear"):
    """Feng et al. (2024): f' = f / (f + i), i' = i / (f + i)."""
    f, i = sigmoid(mv(p["W_f"], x) + p["b_f"]), sigmoid(mv(p["W_i"], x) + p["b_i"])
    n = CANDIDATES[candidate](mv(p["W_n"], x) + p["b_n"])
    h = f / (f + i) * s["h"] + i / (f + i) * n
    return h, {"h": h}


def mut1(p, x, s):
    """Jozefowicz, Zaremba & Sutskever (2015)."""
    z = sigmoid(mv(p["W_z"], x) + p["b_z"])
    r = sigmoid(net(p, "r", x, s["h"]))
    n = tanh(mv(p["U_n"], r * s["h"]) + tanh(x) + p["b_n"])
    h = n * z + s["h"] * (1 - z)
    return h, {"h": h}


def mut2(p, x, s):
    """Jozefowicz, Zaremba & Sutskever (2015)."""
    z = sigmoid(net(p, "z", x, s["h"]))
    r = sigmoid(x + mv(p["U_r"], s["h"]) + p["b_r"])
    n = tanh(net(p, "n", x, r * s["h"]))
    h = n * z + s["h"] * (1 - z)
    return h, {"h": h}


def mut3(p, x, s):
    """Jozefowicz, Zaremba & Sutskever (2015)."""
    z = sigmoid(net(p, "z", x, tanh(s["h"])))
    r = sigmoid(net(p, "r", x, s["h"]))
    n = tanh(net(p, "n", x, r * s["h"]))
    h = n * z + s["h"] * (1 - z)
    return h, {"h": h}


# --- one or two gates -----------------------------------------------------------------------------


def ugrnn(p, x, s, activation="tanh"):
    """Collins, Sohl-Dickstein & Sussillo (2017): h_t = g * h_{t-1} + (1 - g) * c."""
    g = sigmoid(net(p, "g", x, s["h"]))
    h = g * s["h"] + (1 - g) * ACTIVATIONS[activation](net(p, "n", x, s["h"]))
    return h, {"h": h}


def intersection_rnn(p, x, s):
    """Collins, Sohl-Dickstein & Sussillo (2017), with the paper's ReLU for y and tanh for h."""
    y_in, h_in = relu(net(p, "y_in", x, s["h"])), tanh(net(p, "h_in", x, s["h"]))
    g_y, g_h = sigmoid(net(p, "g_y", x, s["h"])), sigmoid(net(p, "g_h", x, s["h"]))
    y = g_y * x + (1 - g_y) * y_in
    h = g_h * s["h"] + (1 - g_h) * h_in
    return y, {"h": h}


def janet(p, x, s, beta=1.0):
    """Van der Westhuizen & Lasenby (2018): c_t = sigma(s) c_{t-1} + (1 - sigma(s - beta)) n."""
    a, n = net(p, "s", x, s["h"]), tanh(net(p, "n", x, s["h"]))
    h = sigmoid(a) * s["h"] + (1 - sigmoid(a - beta)) * n
    return h, {"h": h}


def fastgrnn(p, x, s):
    """Kusupati et al. (2018): h_t = (zeta (1 - z) + nu) * n + z * h_{t-1}, with their sigmoids."""
    a = mv(p["W"], x) + mv(p["U"], s["h"])
    z, n = sigmoid(a + p["b_z"]), tanh(a + p["b_n"])
    h = (sigmoid(p["s_zeta"]) * (1 - z) + sigmoid(p["s_nu"])) * n + z * s["h"]
    return h, {"h": h}


def cfn(p, x, s):
    """Laurent & von Brecht (2016): h_t = theta * tanh(h_{t-1}) + eta * tanh(W x_t)."""
    theta, eta = sigmoid(net(p, "theta", x, s["h"])), sigmoid(net(p, "eta", x, s["h"]))
    h = theta * tanh(s["h"]) + eta * tanh(mv(p["W_n"], x))
    return h, {"h": h}


def ran(p, x, s, activation="tanh"):
    """Lee, Levy & Zettlemoyer (2017): c_t = i * (W x) + f * c_{t-1}, h_t = g(c_t)."""
    i, f = sigmoid(net(p, "i", x, s["h"])), sigmoid(net(p, "f", x, s["h"]))
    c = i * mv(p["W_n"], x) + f * s["c"]
    h = ACTIVATIONS[activation](c)
    return h, {"h": h, "c": c}


def atr(p, x, s):
    """Zhang et al. (2018): i = sigma(p + q), f = sigma(p - q), h_t = i * p + f * h_{t-1}."""
    a, b = mv(p["W"], x), mv(p["U"], s["h"])
    h = sigmoid(a + b) * a + sigmoid(a - b) * s["h"]
    return h, {"h": h}


def minimalrnn(p, x, s):
    """Chen (2017): z = Phi(x), u = sigma(U_h h + U_z z + b), h_t = u * h_{t-1} + (1 - u) * z.

    U_u is taken for the paper's U_h and V_u for its U_z.
    """
    z = tanh(mv(p["W_z"], x) + p["b_z"])
    u = sigmoid(mv(p["U_u"], s["h"]) + mv(p["V_u"], z) + p["b_u"])
    h = u * s["h"] + (1 - u) * z
    return h, {"h": h}


def star(p, x, s):
    """Turkoglu et al. (2019): h_t = tanh((1 - k) * h_{t-1} + k * z)."""
    z = tanh(mv(p["W_z"], x) + p["b_z"])
    k = sigmoid(net(p, "k", x, s["h"]))
    h = tanh((1 - k) * s["h"] + k * z)
    return h, {"h": h}


def brc(p, x, s):
    """Vecoven, Ernst & Drion (2021): a = 1 + tanh, c = sigma, of the unit's own state."""
    a = 1 + tanh(mv(p["U_a"], x) + p["w_a"] * s["h"])
    c = sigmoid(mv(p["U_c"], x) + p["w_c"] * s["h"])
    h = c * s["h"] + (1 - c) * tanh(mv(p["U_h"], x) + a * s["h"])
    return h, {"h": h}


def nbrc(p, x, s):
    """Vecoven, Ernst & Drion (2021): the same with matrices for the vectors."""
    a = 1 + tanh(mv(p["U_a"], x) + mv(p["W_a"], s["h"]))
    c = sigmoid(mv(p["U_c"], x) + mv(p["W_c"], s["h"]))
    h = c * s["h"] + (1 - c) * tanh(mv(p["U_h"], x) + a * s["h"])
    return h, {"h": h}


# --- no matrix product in the recurrence ----------------------------------------------------------


def qrnn(p, x, s, pooling="fo"):
    """Bradbury et al. (2016), a window of two. V is taken for x_{t-1} (u), W for x_t."""

    def conv(q):
        return mv(p[f"V_{q}"], s["u"]) + mv(p[f"W_{q}"], x)

    z, f = tanh(conv("z")), sigmoid(conv("f"))
    i = sigmoid(conv("i")) if pooling == "ifo" else 1 - f
    c = f * s["c"] + i * z
    h = c if pooling == "f" else sigmoid(conv("o")) * c
    return h, {"c": c, "u": x}


def sru(p, x, s, alpha=1.0):
    """Lei et al. (2018): both gates see c_{t-1}; h_t = r * c_t + (1 - r) * alpha x_t."""
    f = sigmoid(mv(p["W_f"], x) + p["v_f"] * s["c"] + p["b_f"])
    r = sigmoid(mv(p["W_r"], x) + p["v_r"] * s["c"] + p["b_r"])
    c = f * s["c"] + (1 - f) * mv(p["W_n"], x)
    h = r * c + (1 - r) * x * alpha
    return h, {"c": c}


# --- linear in the state --------------------------------------------------------------------------


def turned(radius, angle, re, im):
    """radius exp(i angle) times a complex number that is given by its parts."""
    import torch

    return torch.polar(radius, angle.expand_as(radius)) * torch.complex(re, im)


def lru(p, x, s):
    """Orvieto et al. (2023), in complex numbers: lambda h + exp(gamma) B x, and Re(C h) + D x."""
    import torch

    B, C = (torch.complex(p[f"{name}_re"], p[f"{name}_im"]) for name in "BC")
    h = turned((-p["nu"].exp()).exp(), p["theta"].exp(), s["h_re"], s["h_im"])
    h = h + p["gamma"].exp() * mv(B, x.to(B.dtype))
    return mv(C, h).real + p["D"] * x, {"h_re": h.real, "h_im": h.imag}


def rg_lru(p, x, s, c=8.0):
    """De et al. (2024): a_t = a^(c r_t), h_t = a_t h_{t-1} + sqrt(1 - a_t^2) (i_t * x_t)."""
    r, i = (sigmoid(mv(p[f"W_{q}"], x) + p[f"b_{q}"]) for q in "ri")
    a = sigmoid(p["Lambda"]) ** (c * r)
    h = a * s["h"] + (1 - a**2).sqrt() * (i * x)
    return h, {"h": h}


def rwkv4(p, x, s):
    """Peng et al. (2023), equations 11 to 17, with sums that the running maximum scales, as in the
    authors' code; num and den are what it calls aa and bb, m its pp."""

    def shifted(q):
        return mv(p[f"W_{q}"], x * p[f"mu_{q}"] + s["x_old"] * (1 - p[f"mu_{q}"]))

    r, k, v = sigmoid(shifted("r")), shifted("k"), shifted("v")
    most = s["m"].maximum(p["u"] + k)
    old, new = (s["m"] - most).exp(), (p["u"] + k - most).exp()
    wkv = (old * s["num"] + new * v) / (old * s["den"] + new)
    decayed = s["m"] - p["w"].exp()
    most = decayed.maximum(k)
    old, new = (decayed - most).exp(), (k - most).exp()
    num, den = old * s["num"] + new * v, old * s["den"] + new
    return mv(p["V"], r * wkv), {"x_old": x, "num": num, "den": den, "m": most}


def hgrn(p, x, s, gamma=0.0):
    """Qin, Yang & Zhong (2023), in complex numbers, as in the authors' code: the real and the
    imaginary part are gated and projected as one long vector."""
    import torch
    from torch.nn.functional import silu

    def layer(q):
        return mv(p[f"W_{q}"], x) + p[f"b_{q}"]

    f = gamma + (1 - gamma) * sigmoid(layer("f"))
    h = turned(f, p["theta"], s["h_re"], s["h_im"])
    h = h + (1 - f) * torch.complex(silu(layer("u_re")), silu(layer("u_im")))
    gate = sigmoid(torch.cat([layer("g_re"), layer("g_im")], -1))
    projection = torch.cat([p["V_re"], p["V_im"]], -1)
    y = mv(projection, gate * torch.cat([h.real, h.imag], -1)) + p["d"]
    return y, {"h_re": h.real, "h_im": h.imag}


# --- differential equations -----------------------------------------------------------------------


def ctrnn(p, x, s, dt=0.1):
    """Beer (1995): tau dy/dt = -y + W sigma(y + theta) + input, one step of Euler's."""
    change = mv(p["W"], sigmoid(s["y"] + p["theta"])) + mv(p["V"], x) - s["y"]
    y = s["y"] + change * dt * (-p["log_tau"]).exp()
    return y, {"y": y}


def lipschitz_rnn(p, x, s, epsilon=0.01, beta=0.75, gamma=0.01):
    """Erichson et al. (2021): h + epsilon (A h + tanh(W h + U x + b)), with the matrices put
    together first."""
    import torch

    def matrix(name):
        M = p[name]
        mixed = (1 - beta) * (M + M.T) + beta * (M - M.T)
        return mixed - gamma * torch.eye(len(M), dtype=M.dtype)

    inner = tanh(mv(matrix("M_w"), s["h"]) + mv(p["U"], x) + p["b"])
    h = s["h"] + epsilon * (mv(matrix("M_a"), s["h"]) + inner)
    return h, {"h": h}


def linoss(p, x, s, scheme="imex"):
    """Rusch & Rus (2025): (z, y) = M (z, y) + F, with M and F as in the authors' code, but real."""
    A, dt, force = relu(p["a"]), sigmoid(p["s"]), mv(p["B"], x)
    if scheme == "imex":
        (a, b), (c, d) = (1, -dt * A), (dt, 1 - dt**2 * A)
        F = dt * force, dt**2 * force
    else:
        schur = 1 / (1 + dt**2 * A)
        (a, b), (c, d) = (1 - dt**2 * A * schur, -dt * A * schur), (dt * schur, schur)
        F = a * dt * force, c * dt * force
    z, y = a * s["z"] + b * s["y"] + F[0], c * s["z"] + d * s["y"] + F[1]
    return mv(p["C"], y) + p["D"] * x, {"y": y, "z": z}


def antisymmetric_rnn(p, x, s, epsilon=0.1, gamma=0.1):
    """Chang et al. (2019): h_t = h + epsilon tanh((W - W^T - gamma I) h + V x + b)."""
    inner = mv(p["W"] - p["W"].T, s["h"]) - gamma * s["h"]
    h = s["h"] + epsilon * tanh(inner + mv(p["V"], x) + p["b"])
    return h, {"h": h}


def antisymmetric_rnn_gated(p, x, s, epsilon=0.1, gamma=0.1):
    """Chang et al. (2019), with the gate z on the step; the same matrix in both."""
    inner = mv(p["W"] - p["W"].T, s["h"]) - gamma * s["h"]
    z = sigmoid(inner + mv(p["V_z"], x) + p["b_z"])
    h = s["h"] + epsilon * z * tanh(inner + mv(p["V_h"], x) + p["b_h"])
    return h, {"h": h}


def cornn(p, x, s, damping="explicit", dt=0.1, gamma=1.0, epsilon=1.0):
    """Rusch & Mishra (2021), equation 3. W is taken for the matrix of y, V for that of z.

    z_n = z + dt sigma(W y + V z + U x + b) - dt gamma y - dt epsilon z_m, with m = n - 1 (explicit)
    or m = n (implicit); y_n = y + dt z_n.
    """
    y, z = s["y"], s["z"]
    force = tanh(mv(p["W"], y) + mv(p["V"], z) + mv(p["U"], x) + p["b"])
    if damping == "explicit":
        z = z + dt * force - dt * gamma * y - dt * epsilon * z
    else:
        z = (z + dt * force - dt * gamma * y) / (1 + dt * epsilon)
    y = y + dt * z
    return y, {"y": y, "z": z}


def unicornn(p, x, s, dt=0.1, alpha=1.0):
    """Rusch & Mishra (2021): sigma_hat(c) = 1/2 + 1/2 tanh(c / 2) scales the step."""
    step = dt * (0.5 + 0.5 * tanh(p["c"] / 2))
    z = s["z"] - step * (tanh(p["w"] * s["y"] + mv(p["V"], x) + p["b"]) + alpha * s["y"])
    y = s["y"] + step * z
    return y, {"y": y, "z": z}


def lem(p, x, s, dt=1.0):
    """Rusch et al. (2022): s is taken for the time step of z (index 1), r for that of y (2)."""

    def layer(q, state):
        return mv(p[f"W_{q}"], state) + mv(p[f"V_{q}"], x) + p[f"b_{q}"]

    step_z, step_y = dt * sigmoid(layer("s", s["y"])), dt * sigmoid(layer("r", s["y"]))
    z = (1 - step_z) * s["z"] + step_z * tanh(layer("z", s["y"]))
    y = (1 - step_y) * s["y"] + step_y * tanh(layer("y", z))
    return y, {"y": y, "z": z}


# --- by what `derive.library.load` takes ----------------------------------------------------------

# --- time between the steps ----------------------------------------------------------------------


def t_lstm(p, x, s, discount="log", part="tanh"):
    """Baytas et al. (2017): C_S = tanh(W_d C + b_d), C* = C - C_S + C_S g(elapsed), an LSTM of C*.
    The authors' supervised code has a sigmoid for C_S; g(elapsed) = 1 / log(elapsed + e) there."""
    x, elapsed = x
    old, elapsed = s["c"], elapsed[:, None]
    short = ACTIVATIONS[part](mv(p["D"], old) + p["b_s"])
    g = {"log": 1 / (elapsed + math.e).log(), "inverse": 1 / elapsed}[discount]
    old = old - short + g * short
    i, f, o = (sigmoid(net(p, q, x, s["h"])) for q in "ifo")
    c = f * old + i * tanh(net(p, "g", x, s["h"]))
    h = o * tanh(c)
    return h, {"h": h, "c": c}


def cfc(p, x, s, shift=False):
    """Hasani et al. (2022): sigma(-f t) g + (1 - sigma(-f t)) h of one backbone, as in torch_cfc.py
    with time_a = -f and time_b = -e; LeCun's tanh."""
    x, ts = x
    features = 1.7159 * (0.666 * (mv(p["W"], x) + mv(p["U"], s["h"]) + p["b"])).tanh()
    head = {q: mv(p[f"V_{q}"], features) + p[f"d_{q}"] for q in ("fgne" if shift else "fgn")}
    interp = sigmoid(head["f"] * ts[:, None] + (head["e"] if shift else 0))
    h = tanh(head["g"]) * (1 - interp) + interp * tanh(head["n"])
    return h, {"h": h}


def ltc(p, x, s, steps=2, drive="sigmoid"):
    """Hasani et al. (2021), equation 3: x <- (x + dt f A) / (1 + dt (1/tau + f)), dt shared out
    over the unfoldings; 1/tau = log(1 + exp(w))."""
    x, elapsed = x
    v, dt = s["h"], elapsed[:, None] / steps
    for _ in range(steps):
        f = ACTIVATIONS[drive](mv(p["W"], x) + mv(p["U_f"], v) + p["b"])
        v = (v + dt * f * p["A"]) / (1 + dt * (p["w"].exp().log1p() + f))
    return v, {"h": v}


def gru_d(p, x, s):
    """Che et al. (2018): decay exp(-max(0, W d + b)), diagonal for the inputs; z is what is new.
    The empirical mean is given."""
    x, m, d = x
    gamma_x = (-relu(p["w"] * d + p["b_x"])).exp()
    gamma_h = (-relu(mv(p["G"], d) + p["b_q"])).exp()
    filled = m * x + (1 - m) * (gamma_x * s["last"] + (1 - gamma_x) * p["mean"].detach())
    h = gamma_h * s["h"]
    z, r = (sigmoid(net(p, q, filled, h) + mv(p[f"V_{q}"], m)) for q in "zr")
    n = tanh(net(p, "n", filled, r * h) + mv(p["V_n"], m))
    h = (1 - z) * h + z * n
    return h, {"h": h, "last": m * x + (1 - m) * s["last"]}


CELLS: dict[str, Callable] = {
    "antisymmetric_rnn": antisymmetric_rnn,
    "antisymmetric_rnn:epsilon=0.3,gamma=0.7": partial(antisymmetric_rnn, epsilon=0.3, gamma=0.7),
    "antisymmetric_rnn_gated": antisymmetric_rnn_gated,
    "antisymmetric_rnn_gated:epsilon=0.4,gamma=0.2": partial(
        antisymmetric_rnn_gated, epsilon=0.4, gamma=0.2
    ),
    "atr": atr,
    "brc": brc,
    "cfn": cfn,
    "clockwork_rnn": clockwork_rnn,
    "clockwork_rnn:modules=2": clockwork_rnn,
    "cornn": cornn,
    "cornn:damping=implicit": partial(cornn, damping="implicit"),
    "cornn:dt=0.3,gamma=0.8,epsilon=1.7": partial(cornn, dt=0.3, gamma=0.8, epsilon=1.7),
    "cornn:damping=implicit,dt=0.3,gamma=0.8,epsilon=1.7": partial(
        cornn, damping="implicit", dt=0.3, gamma=0.8, epsilon=1.7
    ),
    "ctrnn": ctrnn,
    "ctrnn:dt=0.4": partial(ctrnn, dt=0.4),
    "elstm": elstm,
    "fastgrnn": fastgrnn,
    "fast_weights": fast_weights,
    "fast_weights:decay=0.8,rate=0.3,rounds=2,eps=0.1": partial(
        fast_weights, decay=0.8, rate=0.3, rounds=2, eps=0.1
    ),
    "fastrnn": fastrnn,
    "fastrnn:activation=sigmoid": partial(fastrnn, activation="sigmoid"),
    "fastrnn:activation=relu": partial(fastrnn, activation="relu"),
    "gru": gru,
    "gru:reset=after": partial(gru, reset="after"),
    "gru_layer_norm": gru_layer_norm,
    "gru_layer_norm:eps=0.1": partial(gru_layer_norm, eps=0.1),
    "hgrn": hgrn,
    "hgrn:gamma=0.4": partial(hgrn, gamma=0.4),
    "indrnn": indrnn,
    "indrnn:activation=tanh": partial(indrnn, activation="tanh"),
    "intersection_rnn": intersection_rnn,
    "janet": janet,
    "janet:beta=0.3": partial(janet, beta=0.3),
    "lem": lem,
    "lem:dt=0.5": partial(lem, dt=0.5),
    "ligru": ligru,
    "linoss": linoss,
    "linoss:scheme=implicit": partial(linoss, scheme="implicit"),
    "lipschitz_rnn": lipschitz_rnn,
    "lipschitz_rnn:epsilon=0.3,beta=0.6,gamma=0.2": partial(
        lipschitz_rnn, epsilon=0.3, beta=0.6, gamma=0.2
    ),
    "lru": lru,
    "lstm": lstm,
    "lstm_1997": lstm_1997,
    "lstm_1997:squashing=tanh": partial(lstm_1997, squashing="tanh"),
    "lstm_cifg": lstm_cifg,
    "lstm_coupled": lstm_coupled,
    "lstm_fgr": lstm_fgr,
    "lstm_layer_norm": lstm_layer_norm,
    "lstm_layer_norm:eps=0.1": partial(lstm_layer_norm, eps=0.1),
    "lstm_mi": lstm_mi,
    "lstm_mogrifier": lstm_mogrifier,
    "lstm_mogrifier:rounds=1": partial(lstm_mogrifier, rounds=1),
    "lstm_mogrifier:rounds=2": partial(lstm_mogrifier, rounds=2),
    "lstm_multiplicative": lstm_multiplicative,
    "lstm_multiplicative:gating=inside": partial(lstm_multiplicative, gating="inside"),
    "lstm_nested": lstm_nested,
    "lstm_nfg": lstm_nfg,
    "lstm_niaf": lstm_niaf,
    "lstm_nig": lstm_nig,
    "lstm_noaf": lstm_noaf,
    "lstm_nog": lstm_nog,
    "lstm_np": lstm_np,
    "lstm_peephole": lstm_peephole,
    "lstm_projection": lstm_projection,
    "lstm_projection:peepholes=false": partial(lstm_projection, peepholes=False),
    "lstm_valves": lstm_valves,
    "lstm_working_memory": lstm_working_memory,
    "mgu": mgu,
    "mingru": mingru,
    "mingru:candidate=positive": partial(mingru, candidate="positive"),
    "minimalrnn": minimalrnn,
    "minlstm": minlstm,
    "minlstm:candidate=positive": partial(minlstm, candidate="positive"),
    "mut1": mut1,
    "mut2": mut2,
    "mut3": mut3,
    "nas": nas,
    "nbrc": nbrc,
    "paragru": paragru,
    "paralstm": paralstm,
    "qrnn": qrnn,
    "qrnn:pooling=f": partial(qrnn, pooling="f"),
    "qrnn:pooling=ifo": partial(qrnn, pooling="ifo"),
    "ran": ran,
    "ran:activation=identity": partial(ran, activation="identity"),
    "rg_lru": rg_lru,
    "rg_lru:c=3": partial(rg_lru, c=3.0),
    "rhn": rhn,
    "rhn:depth=1": partial(rhn, depth=1),
    "rhn:depth=4": partial(rhn, depth=4),
    "rhn:carry=own": partial(rhn, carry="own"),
    "rhn:depth=3,carry=own": partial(rhn, depth=3, carry="own"),
    "rnn": rnn,
    "rnn:activation=relu": partial(rnn, activation="relu"),
    "rwkv4": rwkv4,
    "scrn": scrn,
    "scrn:alpha=0.8": partial(scrn, alpha=0.8),
    "slstm": slstm,
    "slstm:forget=exp": partial(slstm, forget="exp"),
    "slstm:stopped=true": partial(slstm, stopped=True),
    "slstm:heads=several": slstm_of_heads,
    "sru": sru,
    "sru:alpha=1.7": partial(sru, alpha=1.7),
    "star": star,
    "t_lstm": t_lstm,
    "t_lstm:discount=inverse": partial(t_lstm, discount="inverse"),
    "t_lstm:part=sigmoid": partial(t_lstm, part="sigmoid"),
    "cfc": cfc,
    "cfc:shift=true": partial(cfc, shift=True),
    "gru_d": gru_d,
    "ltc": ltc,
    "ltc:steps=6": partial(ltc, steps=6),
    "ltc:drive=tanh": partial(ltc, drive="tanh"),
    "ugrnn": ugrnn,
    "ugrnn:activation=relu": partial(ugrnn, activation="relu"),
    "unicornn": unicornn,
    "unicornn:dt=0.4,alpha=0.6": partial(unicornn, dt=0.4, alpha=0.6),
}
CELLS |= matrix_memories.CELLS
