"""The library's newer recurrences against functions of the packages transformers and fla, which
nobody here wrote: outputs, and the gradient of a random loss by every parameter and by the inputs,
which PyTorch's autograd finds there.

A function there takes what a cell computes from its input (queries, keys, values, gates), so each
test says how. Its numbers are float32 where its authors convert them.
"""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from derive.compiler import module
from derive.library import load

pytestmark = pytest.mark.peers

STEPS, BATCH = 12, 3
SIZES = {"I": 5, "H": 6, "N": 2, "K": 4, "V": 3, "R": 3, "D": 5, "P": 3, "S": 4}
NEEDS = "this is what make test-peers installs"


def models(name):
    """A module of transformers."""
    pytest.importorskip("transformers", reason=NEEDS)
    return pytest.importorskip(f"transformers.models.{name}", reason=NEEDS)


def naive(name):
    """A file of fla, in which an operation is written plainly, by its path: importing the package
    takes a compiler for graphics cards."""
    pytest.importorskip("einops", reason=NEEDS)
    package = find_spec("fla")
    if package is None:
        pytest.skip(NEEDS)
    path = Path(package.submodule_search_locations[0], "ops", *name.split(".")).with_suffix(".py")
    spec = spec_from_file_location(f"fla_{name}", path)
    file = module_from_spec(spec)
    spec.loader.exec_module(file)
    return file


def differences(name, theirs, seed):
    """By how much outputs and gradients differ at most, relative to the largest of their kind.

    `theirs` gives the outputs, (T, B, …), from the parameters by name, the inputs (T, B, I), and a
    function for products of a parameter with what every step has.
    """
    import torch

    cell = load(name)
    own, rng = module(cell), np.random.default_rng(seed)
    wide = {"I": SIZES["H"]} if cell.input_is_wide else {}
    sizes = [(SIZES | wide)[axis.letter] for axis in cell.axes]
    params = own.Params(*sizes)
    params.flat[:] = rng.standard_normal(params.flat.size) * 0.4
    for untrained in cell.untrained:
        params[untrained][:] = own.init(rng, *sizes)[untrained]
    xs = rng.standard_normal((STEPS, BATCH, params.input_size))
    ys, _, tape = own.forward(params, xs)
    dys = rng.standard_normal(ys.shape)
    dparams, dxs, _ = own.backward(params, tape, dys)

    tensors = {k: torch.tensor(v, requires_grad=True) for k, v in params.items()}
    inputs = torch.tensor(xs, requires_grad=True)
    outputs = theirs(tensors, inputs, lambda W, x: torch.einsum("...i,tbi->tb...", W, x)).double()
    (outputs * torch.tensor(dys)).sum().backward()
    pairs = [(outputs.detach(), ys), (inputs.grad, dxs)]
    pairs += [(tensors[k].grad, dparams[k]) for k in params if k not in cell.untrained]
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


@SEEDS
def test_mamba(seed):
    mamba = models("mamba.modeling_mamba")

    def theirs(p, x, times):
        u, B, C = times(p["W"], x), times(p["P_B"], x), times(p["P_C"], x)
        dt = times(p["G"], times(p["L"], x)) + p["b"]
        u, dt, B, C = (a.permute(1, 2, 0) for a in (u, dt, B, C))
        scan = mamba.mamba_selective_scan
        return scan(u, dt, -p["A"].exp(), B, C, p["d"], delta_softplus=True).permute(2, 0, 1)

    assert differences("mamba", theirs, seed) < 1e-5


@SEEDS
def test_mamba2(seed):
    mamba = models("mamba2.modeling_mamba2")

    def theirs(p, x, times):
        u, B, C = turned(times(p["W"], x), times(p["G_B"], x), times(p["G_C"], x))
        (dt,) = turned(times(p["w_dt"], x))
        B, C = B[:, :, None], C[:, :, None]  # one group: shared by the heads
        ours = {"chunk_size": 5, "D": p["d"], "dt_bias": p["b"], "dt_softplus": True}
        (y,) = turned(mamba.mamba2_chunk_scan(u, dt, -p["A"].exp(), B, C, **ours))
        return y

    assert differences("mamba2", theirs, seed) < 1e-5


@SEEDS
def test_rg_lru(seed):
    gemma = models("recurrent_gemma.modeling_recurrent_gemma")

    def theirs(p, x, times):
        import torch
        from torch.func import functional_call

        sizes = SimpleNamespace(num_attention_heads=1, lru_width=SIZES["H"])
        after = torch.ones(BATCH, STEPS, dtype=int)  # at step 0 the authors leave out the root
        named = {
            "recurrent_param": -p["Lambda"],
            "input_gate_weight": p["W_i"].T[None], "input_gate_bias": p["b_i"][None],
            "recurrent_gate_weight": p["W_r"].T[None], "recurrent_gate_bias": p["b_r"][None],
        }  # fmt: skip
        (x,) = turned(x)
        (y,) = turned(functional_call(gemma.RecurrentGemmaRglru(sizes), named, (x, after)))
        return y

    assert differences("rg_lru", theirs, seed) < 1e-5


@SEEDS
def test_linear_attention(seed):
    attention = naive("linear_attn.naive").naive_recurrent_linear_attn

    def theirs(p, x, times):
        from torch.nn.functional import elu

        q, k, v = elu(times(p["W_a"], x)) + 1, elu(times(p["W_c"], x)) + 1, times(p["P_v"], x)
        o, _ = attention(*turned(q, k, v), normalize=True)
        (o,) = turned(o)
        return o

    assert differences("linear_attention", theirs, seed) < 1e-5


def heads_first(*tensors):
    """(B, N, T, …), from (T, B, N, …)."""
    return [tensor.movedim(0, 2) for tensor in tensors]


def unscaled(o):
    """Their output, (B, N, T, V), as ours, (T, B, N, V): their queries are divided by the root."""
    return o.movedim(2, 0) * SIZES["K"] ** 0.5


@SEEDS
def test_retention(seed):
    retention = naive("retention.naive").naive_retention

    def theirs(p, x, times):
        return unscaled(retention(*heads_first(*(times(p[n], x) for n in ("W_q", "W_k", "P_v")))))

    assert differences("retnet", theirs, seed) < 1e-5


@SEEDS
def test_gated_linear_attention(seed):
    attention = naive("gla.naive").naive_recurrent_gla

    def theirs(p, x, times):
        from torch.nn.functional import logsigmoid

        q, k, v = times(p["W_q"], x), times(p["W_k"], x), times(p["P_v"], x)
        g = logsigmoid(times(p["B"], times(p["A"], x)) + p["b"]) / 16
        o, _ = attention(*turned(q, k, v, g))
        return unscaled(o.transpose(1, 2))

    assert differences("gla", theirs, seed) < 1e-5


@SEEDS
def test_hgrn2(seed):
    """Its authors' layer hands 1 - f to the same function as the key."""
    attention = naive("gla.naive").naive_recurrent_gla

    def theirs(p, x, times):
        from torch.nn.functional import silu

        f = times(p["W_f"], x).sigmoid()
        now = silu(times(p["W_u"], x)), 1 - f, times(p["P_v"], x), f.log()
        o, _ = attention(*turned(*now))
        return unscaled(o.transpose(1, 2))

    assert differences("hgrn2", theirs, seed) < 1e-5


@SEEDS
def test_deltanet(seed):
    rule = naive("delta_rule.naive").delta_rule_recurrence

    def theirs(p, x, times):
        def unit(a):
            return a / (a.square().sum(-1, keepdim=True) + 1e-6).sqrt()

        q, k, v = unit(times(p["W_q"], x)), unit(times(p["W_k"], x)), times(p["P_v"], x)
        o, _ = rule(*heads_first(q, k, v, times(p["w_beta"], x).sigmoid()))
        return unscaled(o)

    assert differences("deltanet", theirs, seed) < 1e-5


@SEEDS
def test_rwkv6(seed):
    recurrent = naive("rwkv6.recurrent_naive").naive_recurrent_rwkv6

    def theirs(p, x, times):
        r, k, v = times(p["W_r"], x), times(p["W_k"], x), times(p["P_v"], x)
        w = -(p["d"] + times(p["B"], times(p["A"], x).tanh())).exp()
        o, _ = recurrent(*heads_first(r, k, v, w), p["u"])
        return unscaled(o)

    assert differences("rwkv6", theirs, seed) < 1e-5


@SEEDS
def test_rwkv7(seed):
    """As fla's layer calls it: -kappa reads what is replaced, kappa a says where."""
    recurrence = naive("generalized_delta_rule.dplr.naive").dplr_recurrence

    def theirs(p, x, times):
        from torch.nn.functional import normalize

        r, key, v = times(p["W_r"], x), times(p["W_p"], x), times(p["P_v"], x)
        gate = (p["b_w"] + times(p["B_w"], times(p["A_w"], x).tanh())).sigmoid()
        w = -np.exp(-0.5) * gate
        a = (p["b_a"] + times(p["B_a"], times(p["A_a"], x))).sigmoid()
        kappa = normalize(key * p["xi"], dim=-1)
        k = key * (1 + (a - 1) * p["alpha"])
        o, _ = recurrence(*heads_first(r, k, v, -kappa.float(), kappa * a, w))
        return unscaled(o)

    assert differences("rwkv7", theirs, seed) < 1e-5
