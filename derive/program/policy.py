"""What is cheap in a target, said in one place.

The equations do not know where they will run, and no rule of the program knows a language; a target
hands in one of these. NumPy pays for every call, whatever its size: it wants whatever can be done
for all steps at once to be done so. A compiled language pays for every byte that it moves: it wants
products out of the loop, and everything elementwise fused into one pass whose intermediate results
never leave the registers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Policy:
    """The choices that a target makes.

    hoist_elementwise  whether elementwise work that does not wait for the step before leaves the
                       loop as products do (loop-invariant code motion, see `rules.hoist`)
    join               whether equations of one form, whose operands lie side by side, become one
                       statement (see `alike`); so do the sigmoids and tanhs of a stack, since one
                       call of tanh serves both, by way of σ(a) = ½ + ½ tanh(½ a)
    standardise        whether standardising is one statement, and so is its derivative (see
                       `rules.standardise`)
    sums               whether a sum over features is one statement with what it sums up
    fuse               whether runs of elementwise statements become one nest of loops with local
                       values (see `fuse`)
    """

    hoist_elementwise: bool
    join: bool
    standardise: bool
    sums: bool
    fuse: bool


PER_CALL = Policy(hoist_elementwise=True, join=True, standardise=True, sums=True, fuse=False)
# A library that has operations of its own, and no functions of ours.
PER_OPERATION = replace(PER_CALL, standardise=False)
PER_BYTE = Policy(hoist_elementwise=False, join=False, standardise=False, sums=False, fuse=True)
