"""The library's newer recurrences against functions of the package transformers, which nobody here
wrote: outputs, and the gradient of a random loss by every parameter and by the inputs, which
PyTorch's autograd finds there.

A function there takes what a cell computes from its input (queries, keys, values, gates), so each
test says how. Its numbers are float32 where its authors convert them.
"""

from __future__ import annotations

import numpy as np
import pytest

from derive.compiler import module
from derive.library import load

pytestmark = pytest.mark.peers

STEPS, BATCH = 12, 3
SIZES = {"I": 5, "H": 6, "N": 2, "K": 4, "V": 3, "R": 3}


def models(name):
    """A module of transformers."""
    reason = "this is what make test-peers installs"
    pytest.importorskip("transformers", reason=reason)
    return pytest.importorskip(f"transformers.models.{name}", reason=reason)


def differences(name, theirs, seed):
    """By how much outputs and gradients differ at most, relative to the largest of their kind.

    `theirs` gives the outputs, (T, B, …), from the parameters by name, the inputs (T, B, I), and a
    function for products of a parameter with what every step has.
    """
    import torch

    cell = load(name)
    own, rng = module(cell), np.random.default_rng(seed)
    sizes = [SIZES[axis.letter] for axis in cell.axes]
    params = own.Params(*sizes)
    params.flat[:] = rng.standard_normal(params.flat.size) * 0.4
    xs = rng.standard_normal((STEPS, BATCH, params.input_size))
    ys, _, tape = own.forward(params, xs)
    dys = rng.standard_normal(ys.shape)
    dparams, dxs, _ = own.backward(params, tape, dys)

    tensors = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    inputs = torch.tensor(xs, requires_grad=True)
    outputs = theirs(tensors, inputs, lambda W, x: torch.einsum("...i,tbi->tb...", W, x)).double()
    (outputs * torch.tensor(dys)).sum().backward()
    pairs = [(outputs.detach(), ys), (inputs.grad, dxs)]
    pairs += [(tensors[k].grad, dparams[k]) for k in params]
    return max(np.abs(a.numpy() - b).max() / np.abs(b).max() for a, b in pairs)


def turned(*tensors):
    """Sequences first, as transformers has them, or steps first again."""
    return [tensor.transpose(0, 1) for tensor in tensors]


SEEDS = pytest.mark.parametrize("seed", range(3))


@SEEDS
@pytest.mark.parametrize("form", ["recurrent", "chunk"])
def test_gated_deltanet(form, seed):
    qwen = models("qwen3_next.modeling_qwen3_next")

    def theirs(p, x, times):
        from torch.nn.functional import softplus

        q, k, v = times(p["W_q"], x), times(p["W_k"], x), times(p["P_v"], x)
        g = -p["A"].exp() * softplus(times(p["w_a"], x) + p["b"])
        q, k, v, g, beta = turned(q, k, v, g, times(p["w_beta"], x).sigmoid())
        rule = getattr(qwen, f"torch_{form}_gated_delta_rule")
        o, _ = rule(q, k, v, g=g, beta=beta, use_qk_l2norm_in_kernel=True)
        (o,) = turned(o)
        return o * SIZES["K"] ** 0.5  # their queries are divided by it

    assert differences("gated_deltanet", theirs, seed) < 1e-5


@SEEDS
def test_kimi_delta_attention(seed):
    kimi = models("kimi_linear.modeling_kimi_linear")

    def theirs(p, x, times):
        from torch.nn.functional import softplus

        q, k, v = times(p["W_q"], x), times(p["W_k"], x), times(p["P_v"], x)
        g = -p["A"].exp()[:, None] * softplus(times(p["G"], times(p["F"], x)) + p["b"])
        q, k, v, g, beta = turned(q, k, v, g, times(p["w_beta"], x).sigmoid())
        attention = kimi.recurrent_kimi_delta_attention
        o, _ = attention(q, k, v, g, beta, None, False, use_qk_l2norm_in_kernel=True)
        (o,) = turned(o)
        return o * SIZES["K"] ** 0.5

    assert differences("kda", theirs, seed) < 1e-5


@SEEDS
def test_mlstm(seed):
    xlstm = models("xlstm.modeling_xlstm")
    root = SIZES["K"] ** 0.5

    def theirs(p, x, times):
        import torch

        q, k = times(p["W_q"], x) + p["b_q"], times(p["W_k"], x) / root + p["b_k"]
        v, o = times(p["P_v"], x) + p["d_v"], (times(p["P_o"], x) + p["d_o"]).sigmoid()
        i = (times(p["w_i"], x) + p["c_i"])[..., None]
        f = (times(p["w_log_f"], x) + p["c_log_f"])[..., None]
        lead = (BATCH, SIZES["N"])
        state = (
            torch.zeros(*lead, SIZES["K"], SIZES["V"], dtype=x.dtype),
            torch.zeros(*lead, SIZES["K"], dtype=x.dtype),
            torch.full((*lead, 1), -1e30, dtype=x.dtype),
        )
        ys = []
        for t in range(STEPS):
            now = (q[t] * root, k[t], v[t], i[t], f[t])  # their queries are divided by it
            wide = {"eps": 0.0, "dtype_state": torch.float64}
            h, state = xlstm.mlstm_recurrent_step_native(*now, *state, **wide)
            ys.append(o[t] * h)
        return torch.stack(ys)

    assert differences("mlstm", theirs, seed) < 1e-12


@SEEDS
def test_rwkv4(seed):
    rwkv = models("rwkv.modeling_rwkv")

    def theirs(p, x, times):
        import torch

        before = torch.cat([torch.zeros_like(x[:1]), x[:-1]])
        r, k, v = (
            times(p[f"W_{n}"], p[f"mu_{n}"] * x + (1 - p[f"mu_{n}"]) * before) for n in "rkv"
        )
        o, _ = rwkv.rwkv_linear_attention_cpu(p["w"], p["u"], *turned(k, v))
        (o,) = turned(o)
        return times(p["V"], r.sigmoid() * o)

    assert differences("rwkv4", theirs, seed) < 1e-5
