"""How fast the generated code runs, and how fast it is derived. Run each with `python -m`."""
