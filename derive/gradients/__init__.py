"""Where gradients go: how much of a gradient is left, so many steps back in time.

    trajectory   the states of a cell along sequences, and the Jacobian of each step
    values       what every equation gives along them
    train        weights trained to remember
    samples      what is looked at: weights drawn, given, or trained, and sequences
    flow         the product of the Jacobians: its norm against the distance in time
    activity     histograms of gates and other activations
    start        how cells are named: with options and parameters' first values
    tables       flows and histograms as CSV and in the terminal
    plot         both as pictures; needs matplotlib, the extra `plot`

From Python: ``flow(load("lstm"))`` is a `Flow` with its curves as arrays.
"""

from derive.gradients.flow import Curve, Flow, flow
from derive.gradients.samples import Sample, Setup

__all__ = ["Curve", "Flow", "Sample", "Setup", "flow"]
