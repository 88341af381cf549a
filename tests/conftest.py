"""For all tests. SymPy allocates much and frees little: looking for garbage less often makes the
tests a tenth faster."""

import gc

gc.set_threshold(100_000, 50, 50)
