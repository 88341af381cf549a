"""The matrix memories once more, written down from their papers as the other transcriptions are.

Indices say what is done: b a sequence, n a head, k an entry of a key, v of a value, i of the input,
r of something of low rank. Where a published code differs from its paper, or two cells of a family
from each other, a comment says what was taken.
"""

from __future__ import annotations

from functools import partial


def einsum(indices, *tensors):
    import torch

    return torch.einsum(indices, *tensors)


def heads(W, x):
    """The product of each head's matrix with the one input."""
    return einsum("nki,bi->bnk", W, x)


def read(S, q):
    """What a memory of keys (rows) and values (columns) has for a query."""
    return einsum("bnkv,bnk->bnv", S, q)


def written(k, v):
    return einsum("bnk,bnv->bnkv", k, v)


def softplus(a):
    return (1 + a.exp()).log()


def sigmoid(a):
    return 1 / (1 + (-a).exp())


def swish(a):
    return a * sigmoid(a)


def unit(a, eps=1e-6):
    """Divided by its length, as fla's l2norm does."""
    return a / ((a * a).sum(-1, keepdim=True) + eps).sqrt()


def linear_attention(p, x, s):
    """Katharopoulos et al. (2020), equations 18 to 20; phi(a) = elu(a) + 1."""

    def phi(a):
        return a.where(a > 0, a.exp() - 1) + 1

    q, k, v = phi(heads(p["W_a"], x)), phi(heads(p["W_c"], x)), heads(p["P_v"], x)
    S, z = s["S"] + written(k, v), s["z"] + k
    return read(S, q) / (z * q).sum(-1, keepdim=True), {"S": S, "z": z}


def retnet(p, x, s):
    """Sun et al. (2023), equation 6, at a given rate for each head; neither rotation nor group
    norm."""
    q, k, v = heads(p["W_q"], x), heads(p["W_k"], x), heads(p["P_v"], x)
    S = einsum("n,bnkv->bnkv", p["gamma"].detach(), s["S"]) + written(k, v)
    return read(S, q), {"S": S}


def gla(p, x, s, tau=16):
    """Yang et al. (2024), equation 3, alpha = sigmoid(W2 W1 x + b)^(1/tau)."""
    q, k, v = heads(p["W_q"], x), heads(p["W_k"], x), heads(p["P_v"], x)
    low = einsum("nkr,ri,bi->bnk", p["B"], p["A"], x) + p["b"]
    S = sigmoid(low)[..., None] ** (1 / tau) * s["S"] + written(k, v)
    return read(S, q), {"S": S}


def hgrn2(p, x, s, lower=0.0):
    """Qin et al. (2024): the key is 1 - f, for the f that also decays."""
    f = lower + (1 - lower) * sigmoid(heads(p["W_f"], x))
    S = f[..., None] * s["S"] + written(1 - f, heads(p["P_v"], x))
    return read(S, swish(heads(p["W_u"], x))), {"S": S}


def projections(p, x):
    """Query, key and value of the delta rule's cells, without the convolution and what comes with
    it."""
    q, k = unit(heads(p["W_q"], x)), unit(heads(p["W_k"], x))
    return q, k, heads(p["P_v"], x), sigmoid(x @ p["w_beta"].T)[..., None]


def delta(S, q, k, v, beta):
    """S (I - beta k k^T) + beta v k^T, here of the transpose; what is read comes after."""
    S = S + written(k, beta * (v - read(S, k)))
    return read(S, q), S


def deltanet(p, x, s):
    """Schlag et al. (2021), equation 24."""
    y, S = delta(s["S"], *projections(p, x))
    return y, {"S": S}


def gated_deltanet(p, x, s, late=False):
    """Yang et al. (2025), equation 10: S (a (I - beta k k^T)) + beta v k^T: it is erased from the
    decayed memory. `late` takes what was there before it decays: not the paper."""
    a = (-p["A"].exp() * softplus(x @ p["w_a"].T + p["b"])).exp()[..., None, None]
    q, k, v, beta = projections(p, x)
    if late:
        S = a * s["S"] + written(k, beta * (v - read(s["S"], k)))
        return read(S, q), {"S": S}
    y, S = delta(a * s["S"], q, k, v, beta)
    return y, {"S": S}


def kda(p, x, s):
    """Kimi team (2025), equation 1: Diag(a) first, then the delta rule."""
    low = einsum("nkr,ri,bi->bnk", p["G"], p["F"], x) + p["b"]
    a = (-p["A"].exp()[:, None] * softplus(low)).exp()
    y, S = delta(a[..., None] * s["S"], *projections(p, x))
    return y, {"S": S}


def rwkv6(p, x, s, version=6):
    """Peng et al. (2024): out = r (diag(u) k v^T + S), of the S before this step; 5 is Eagle."""
    r, k, v = heads(p["W_r"], x), heads(p["W_k"], x), heads(p["P_v"], x)
    d = p["d"].expand_as(k)
    if version == 6:
        d = d + einsum("nkr,br->bnk", p["B"], (x @ p["A"].T).tanh())
    new = written(k, v)
    y = read(s["S"] + p["u"][..., None] * new, r)
    return y, {"S": (-d.exp()).exp()[..., None] * s["S"] + new}


def rwkv7(p, x, s):
    """Peng et al. (2025): S (diag(w) - kappa (kappa * a)^T) + v k^T; S is values by keys. What is
    erased is erased from the S that has not decayed."""
    r, key, v = heads(p["W_r"], x), heads(p["W_p"], x), heads(p["P_v"], x)
    low = einsum("nkr,br->bnk", p["B_w"], (x @ p["A_w"].T).tanh())
    w = (-0.6065306597126334 * sigmoid(p["b_w"] + low)).exp()
    a = sigmoid(p["b_a"] + einsum("nkr,ri,bi->bnk", p["B_a"], p["A_a"], x))
    kappa = unit(key * p["xi"], 1e-12)
    k = key * (1 + (a - 1) * p["alpha"])
    gone = einsum("bnvk,bnk,bnj->bnvj", s["S"], kappa, kappa * a)
    S = s["S"] * w[..., None, :] - gone + einsum("bnv,bnk->bnvk", v, k)
    return einsum("bnvk,bnk->bnv", S, r), {"S": S}


def mlstm(p, x, s, eps=0.0, held=False):
    """Beck et al. (2024), equations 19 to 27 with the stabiliser of appendix A; C is values by
    keys. No gradient goes through a stabiliser that is `held`."""
    import torch

    q = heads(p["W_q"], x) + p["b_q"]
    k = heads(p["W_k"], x) / p["W_k"].shape[1] ** 0.5 + p["b_k"]
    v = heads(p["P_v"], x) + p["d_v"]
    o = sigmoid(heads(p["P_o"], x) + p["d_o"])
    i = x @ p["w_i"].T + p["c_i"]
    log_f = sigmoid(x @ p["w_log_f"].T + p["c_log_f"]).log()
    m = torch.maximum(log_f + s["m"], i)
    m = m.detach() if held else m
    f, i = (log_f + s["m"] - m).exp(), (i - m).exp()
    C = f[..., None, None] * s["C"] + i[..., None, None] * einsum("bnv,bnk->bnvk", v, k)
    n = f[..., None] * s["n"] + i[..., None] * k
    divisor = torch.maximum((n * q).sum(-1).abs(), (-m).exp()) + eps
    h = o * einsum("bnvk,bnk->bnv", C, q) / divisor[..., None]
    return h, {"C": C, "n": n, "m": m}


def mamba(p, x, s):
    """Gu & Dao (2023), the selective scan's reference: B is discretised as dt B."""
    u, B, C = x @ p["W"].T, x @ p["P_B"].T, x @ p["P_C"].T
    dt = softplus(x @ p["L"].T @ p["G"].T + p["b"])
    decay = einsum("bd,dn->bdn", dt, -p["A"].exp()).exp()
    h = decay * s["h"] + einsum("bd,bd,bn->bdn", dt, u, B)
    return einsum("bdn,bn->bd", h, C) + p["d"] * u, {"h": h}


def mamba2(p, x, s):
    """Dao & Gu (2024), one step: a number decays each head; B and C are shared by the heads."""
    u, B, C = heads(p["W"], x), x @ p["G_B"].T, x @ p["G_C"].T
    dt = softplus(x @ p["w_dt"].T + p["b"])
    decay = (-p["A"].exp() * dt).exp()[..., None, None]
    h = decay * s["h"] + einsum("bn,bnp,bs->bnps", dt, u, B)
    return einsum("bnps,bs->bnp", h, C) + p["d"][:, None] * u, {"h": h}


CELLS = {
    "linear_attention": linear_attention,
    "retnet": retnet,
    "gla": gla,
    "gla:tau=4": partial(gla, tau=4),
    "hgrn2": hgrn2,
    "hgrn2:lower=0.2": partial(hgrn2, lower=0.2),
    "deltanet": deltanet,
    "gated_deltanet": gated_deltanet,
    "kda": kda,
    "rwkv6": rwkv6,
    "rwkv6:version=5": partial(rwkv6, version=5),
    "rwkv7": rwkv7,
    "mlstm": mlstm,
    "mlstm:eps=0.01": partial(mlstm, eps=0.01),
    "mamba": mamba,
    "mamba2": mamba2,
}
