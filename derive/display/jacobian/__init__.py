"""The Jacobian of one step as mathematics: what is common (blocks.py), and two printers, for the
terminal (shown.py) and as LaTeX (latex.py)."""
