"""The functions of a generated C file, alone: how accurate they are, and what they make of what is
no number."""

from __future__ import annotations

import ctypes
import re
from functools import cache

import numpy as np

EXACT = {
    "sigmoid": lambda x: np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-x))),
    "r_tanh": np.tanh,
    "r_exp": np.exp,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "log_sigmoid": lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
}
# Of NaN, infinity, -infinity, 0, -0, 3 and -3.
CORNERS = {
    "relu": [np.nan, np.inf, 0, 0, 0, 3, 0],
    "unit_step": [0, 1, 0, 0, 0, 1, 0],
    "sign": [np.nan, 1, -1, 0, 0, 1, -1],
    "heaviside": [np.nan, 1, 0, 0.5, 0.5, 1, 0],
}
# Of NaN, infinity, -infinity, 0 and -0.
NO_NUMBERS = {
    "sigmoid": [np.nan, 1, 0, 0.5, 0.5],
    "r_tanh": [np.nan, 1, -1, 0, 0],
    "r_exp": [np.nan, np.inf, 0, 1, 1],
    "softplus": [np.nan, np.inf, 0, np.log(2), np.log(2)],
    "log_sigmoid": [np.nan, 0, -np.inf, -np.log(2), -np.log(2)],
}
EACH = """
void each_{0}(const real *x, real *y, size_t n);
void each_{0}(const real *x, real *y, size_t n) {{
  while (n--) *y++ = {0}(*x++);
}}
"""


def there(text: str) -> list[str]:
    """Which of the functions a file has."""
    return [
        name
        for name in (*EXACT, *CORNERS)
        if re.search(rf"^static inline real {name}\(", text, re.M)
    ]


def with_each(text: str) -> str:
    """A file that offers each function that it has, for many numbers."""
    return text + "".join(map(EACH.format, there(text)))


def called(library: ctypes.CDLL, name: str, x: np.ndarray) -> np.ndarray:
    """A function's values."""
    y = np.empty_like(x)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in (x, y))
    getattr(library, f"each_{name}")(*pointers, ctypes.c_size_t(x.size))
    return y


@cache
def exact(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arguments, exact values, and what is a unit in the last place of each: over all magnitudes
    and signs, and densely where functions bend."""
    limits = np.finfo(dtype)
    wide = np.longdouble if dtype == "d" else np.float64
    assert np.finfo(wide).nmant > limits.nmant + 8, "a reference that is wider"
    sizes = np.geomspace(limits.tiny, 1e4, 40_001)
    x = np.concatenate([-sizes, sizes, [0.0], np.linspace(-20, 20, 200_001)]).astype(dtype)
    with np.errstate(all="ignore"):
        right = EXACT[name](x.astype(wide))
        unit = np.spacing(np.maximum(np.abs(right), limits.tiny).astype(dtype)).astype(wide)
    return x, right, unit


def is_right(library: ctypes.CDLL, dtype: str, name: str) -> None:
    """All that is promised of a function."""
    if name in EXACT:
        is_accurate(library, dtype, name)
        passes_on_what_is_no_number(library, dtype, name)
    else:
        turns_its_corners(library, dtype, name)


def turns_its_corners(library: ctypes.CDLL, dtype: str, name: str) -> None:
    """At zero, beside it, and where there is no number."""
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 3, -3], dtype)
    np.testing.assert_array_equal(called(library, name, x), CORNERS[name])


def is_accurate(library: ctypes.CDLL, dtype: str, name: str) -> None:
    """Within four units. What is too small to be a normal number may be 0."""
    limits = np.finfo(dtype)
    x, right, unit = exact(name, dtype)
    y = called(library, name, x)
    with np.errstate(all="ignore"):
        off = np.abs(y - right) / unit
    is_normal = (np.abs(right) >= limits.tiny) & (np.abs(right) <= limits.max)
    assert off[is_normal].max() <= 4
    assert np.all(np.abs(y[np.abs(right) < limits.tiny]) <= limits.tiny)
    largest = right.dtype.type(limits.max) * (1 + right.dtype.type(limits.eps))
    assert np.all(np.isinf(y[np.abs(right) > largest]))


def passes_on_what_is_no_number(library: ctypes.CDLL, dtype: str, name: str) -> None:
    """As mathematics has it at the limits."""
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0], dtype)
    np.testing.assert_allclose(called(library, name, x), NO_NUMBERS[name], rtol=1e-6)
