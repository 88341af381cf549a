"""What the words of a cost mean, in the order in which it has them."""

from __future__ import annotations

WORDS = {
    "multiply-adds": "an entry of a matrix times one of a vector, added up",
    "elementwise": "an addition, a multiplication, a division, … of one entry",
    "transcendental": "tanh, exp, log, a root, … of one entry: slower than many of those",
    "calls": "of NumPy's functions: each takes time, however short its arrays",
    "hvp": "the Hessian times a vector",
    "hoist": "what needs no state is done before the loop, for all at once",
    "stack": "several products are done as one",
    "defer": "what no step waits for is done after the loop, for all at once",
    "storage": "a quantity takes the place of one that nothing needs any more",
    "save-set": "of all that forward computes, it keeps what backward reads",
}
