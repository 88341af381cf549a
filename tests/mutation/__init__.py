"""The proof of the tests: what is derived and generated is changed, one place at a time, and the
tests must notice.

    make mutants                                  all of it
    PYTHONPATH=tests python -m mutation --help    parts of it

A *mutant* is a generated module that is wrong in one place. It comes from one of these sources,
each enumerated in a fixed order, never drawn by lot:

    equations    the derived equations, between derivation and program     (equations.py)
    program      the generated code of a few cells                         (program.py)
    templates    the templates, whatever cell they are filled with         (templates.py)
    c            the templates of C, and the Python that fills them in     (c.py)

Only copies are changed, in memory. Each mutant is handed to the tests of `proof.py`, of
`callers.py`, of `segments.py` and of `tests/test_contract.py` in a process of its own
(`runner.py`), the most telling tests first, until one fails: the mutant is *killed*. One of C is
compiled, in several ways, and held to NumPy's numbers (`c_runner.py`, `compiled_proof.py`). One
that survives is a missing test, unless nothing that it does can be told from what is right:
`equivalent.toml` lists those, each with its reason.

The tools that there are (mutmut 3, Cosmic Ray) do not fit: they change Python source on disk and
run a test suite anew for every mutant. Here most of what is to be changed is no Python source
(equations, templates), and what runs is made from it in memory; a mutant takes a twentieth of a
second because the tests are collected once and every mutant is a fork of that process. One of C
takes a second or more, most of it the compiler's.
"""
