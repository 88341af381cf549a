"""What targets have in common that read loops: libraries whose arrays are made anew by every line,
as PyTorch's and JAX's are, and that know nothing of memory."""
