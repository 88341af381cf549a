"""Weights of other libraries: which of their layers a cell is, and its parameters in theirs.

    layout.py, conventions/   layers of libraries as data: equations, and what lies in their arrays
    forms.py                  equations as sums of what acts on what
    align.py, match.py        the parameters for which two cells are the same, or why there are none
    same.py                   the proof that they are
    fit.py                    the layer of a library that does what a cell does

No conversion is written down: each is found from the equations of the two, and proved.
"""
