"""The difference between two cells: as a value (difference.py), term by term
(terms.py), and two printers, for the terminal (shown.py) and as LaTeX (latex.py)."""

from derive.display.compare.difference import Difference, difference

__all__ = ["Difference", "difference"]
