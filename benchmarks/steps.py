"""Cells without a fused kernel, written by hand as one would in PyTorch or JAX.

Each has two functions: what all steps have in common, computed at once before the loop (the
products of the input), and one step. PyTorch, eager and compiled, and JAX run the same two. `F` has
what the libraries call differently: `sigmoid`, `tanh`, `affine(a, h, U)` for a + h Uᵀ in one call,
`parts(a, n)` for n equal parts of the last axis, `layer_norm(a, scale, shift, eps)`.

Parameters lie one above the other, as in `torch.nn.LSTM`, in the order that `stacks` has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.problem import Arrays


class Written(NamedTuple):
    """A cell.

    stacks  for each letter, its gates in the order in which they lie; none for a lone parameter
    before  (F, stacks, xs) -> what each step is given, and for all steps (T, B, n H)
    step    (F, what each is given, this step's (B, n H), the states (B, H)) -> the new states, of
            which the first is the output
    """

    stacks: dict[str, str]
    before: Callable[..., Any]
    step: Callable[..., tuple[Any, ...]]

    def stacked(self, params: Arrays, stack: Callable[[list[Any]], Any]) -> dict[str, Any]:
        """Parameters, or anything of their names and shapes, one above the other."""
        return {
            letter: stack([params[name] for name in self.names(letter)]) for letter in self.stacks
        }

    def named(self, stacks: dict[str, Any]) -> dict[str, Any]:
        """The same by name again."""
        parts: dict[str, Any] = {}
        for letter, stack in stacks.items():
            names = self.names(letter)
            rows = len(stack) // len(names)
            parts |= {name: stack[k * rows : (k + 1) * rows] for k, name in enumerate(names)}
        return parts

    def names(self, letter: str) -> list[str]:
        return [f"{letter}_{gate}" for gate in self.stacks[letter].split()] or [letter]


def peephole_before(F, p, xs):
    return (p["U"], *F.parts(p["p"], 3)), xs @ p["W"].T + p["b"]


def peephole(F, given, a, h, c):
    U, p_i, p_f, p_o = given
    i, f, g, o = F.parts(F.affine(a, h, U), 4)
    i, f, g = F.sigmoid(i + p_i * c), F.sigmoid(f + p_f * c), F.tanh(g)
    c = f * c + i * g
    o = F.sigmoid(o + p_o * c)
    return o * F.tanh(c), c


def mgu_before(F, p, xs):
    return tuple(F.rows(p["U"], 2)), xs @ p["W"].T + p["b"]


def mgu(F, given, a, h):
    U_f, U_n = given
    a_f, a_n = F.parts(a, 2)
    f = F.sigmoid(F.affine(a_f, h, U_f))
    n = F.tanh(F.affine(a_n, f * h, U_n))
    return ((1 - f) * h + f * n,)


def lem_before(_, p, xs):
    H = p["W"].shape[1]
    return (p["W"][: 3 * H], p["W"][3 * H :]), xs @ p["V"].T + p["b"]


def lem(F, given, a, y, z):
    W_srz, W_y = given
    H = y.shape[-1]
    s, r, n = F.parts(F.affine(a[:, : 3 * H], y, W_srz), 3)
    s, r = F.sigmoid(s), F.sigmoid(r)
    z = (1 - s) * z + s * F.tanh(n)
    y = (1 - r) * y + r * F.tanh(F.affine(a[:, 3 * H :], z, W_y))
    return y, z


def layer_norm_before(F, p, xs):
    given = (p[k] for k in ("U", "s_u", "t_u", "s_c", "t_c"))
    return tuple(given), F.layer_norm(xs @ p["W"].T, p["s_v"], p["t_v"], 1e-5) + p["b"]


def layer_norm(F, given, a, h, c):
    U, s_u, t_u, s_c, t_c = given
    f, i, o, g = F.parts(a + F.layer_norm(h @ U.T, s_u, t_u, 1e-5), 4)
    c = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(g)
    return F.sigmoid(o) * F.tanh(F.layer_norm(c, s_c, t_c, 1e-5)), c


NORMED = dict.fromkeys(("W", "U", "s_u", "t_u", "s_v", "t_v", "b"), "f i o g")
WRITTEN = {
    "lstm_peephole": Written(
        {"W": "i f g o", "U": "i f g o", "b": "i f g o", "p": "i f o"}, peephole_before, peephole
    ),
    "mgu": Written(dict.fromkeys("WUb", "f n"), mgu_before, mgu),
    "lem": Written(dict.fromkeys("VWb", "s r z y"), lem_before, lem),
    "lstm_layer_norm": Written(NORMED | {"s_c": "", "t_c": ""}, layer_norm_before, layer_norm),
}
