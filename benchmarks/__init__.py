"""How fast the generated code runs, beside other libraries, and how fast it is derived.

`make bench` runs `python -m benchmarks`. What it does, and where:

    grid         the sizes, and what is measured: forward, forward + backward, one step, hvp
    problem      the same numbers for everybody
    steps        cells without a fused kernel, written by hand, once for PyTorch and JAX
    contestants  who is measured, each as tasks that run and whose results can be read
    plan         who is measured on what
    worker       a contestant's process; process is the same from outside
    agree        nothing is timed before all compute the same
    measure      turn by turn, in rounds; memory measures the peak
    machine      what all of it ran on; rate, how fast that multiplies matrices
    deriving     how long deriving and writing takes, beside the others in derivers
    ratios       from times to ratios; table, layers, plot and readme show them, report writes the
                 files

`python -m benchmarks.derive` times what a person waits for at the command, and `make
bench-diagrams` compares pictures with ELK's.
"""
