"""A trace as data, for programs."""

from __future__ import annotations

import math
from typing import Any

from derive.evaluation.trace import Trace


def as_data(trace: Trace) -> dict[str, Any]:
    """All values and adjoints as nested lists, (T, B, …), under the names of the equations."""
    return {
        "cell": trace.cell.name,
        "options": {setting.name: setting.value for setting in trace.cell.options},
        "sizes": {axis.argument: n for axis, n in trace.sizes.items()},
        "steps": len(trace.steps),
        "seed": trace.seed,
        "weights": {name: listed(array) for name, array in trace.weights.items()},
        "values": {name: listed(array) for name, array in trace.values.items()},
        "output": trace.cell.output.name,
        "loss": {"formula": trace.loss.formula, "value": listed(trace.loss.value)},
        "adjoints": {name: listed(array) for name, array in trace.adjoints.items()},
    }


def listed(value: Any) -> Any:
    """Numbers as JSON has them; what is none is a text: JSON has no word for it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [listed(item) for item in value]
    return value if math.isfinite(value) else str(value)
