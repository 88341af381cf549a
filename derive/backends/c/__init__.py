"""C99: a header and a file for a cell, which need nothing but the standard library."""

from derive.backends import STORES
from derive.backends import no_overview as overview
from derive.backends.c.files import files
from derive.backends.c.module import POLICY

__all__ = ["POLICY", "STORES", "files", "overview"]
