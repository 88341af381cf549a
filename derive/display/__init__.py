"""What people read: a derivation in the terminal and in LaTeX, and what differs between two."""
