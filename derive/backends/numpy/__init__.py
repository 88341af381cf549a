"""Python modules that need nothing but NumPy."""

from derive.backends import STORES
from derive.backends import no_overview as overview
from derive.backends.numpy.module import POLICY, files

__all__ = ["POLICY", "STORES", "files", "overview"]
