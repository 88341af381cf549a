"""Output for people: derivations in the terminal and in LaTeX, and differences between cells."""
