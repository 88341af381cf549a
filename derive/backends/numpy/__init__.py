"""Python modules that need nothing but NumPy."""

from derive.backends.numpy.module import files

__all__ = ["files"]
