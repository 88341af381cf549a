"""JavaScript: one ES module for a cell, which imports nothing."""

from derive.backends import KEPT as STORES
from derive.backends import no_overview as overview
from derive.backends.javascript.module import POLICY, files

__all__ = ["POLICY", "STORES", "files", "overview"]
