"""A page about each cell, in Markdown with mathematics as GitHub shows it."""

from derive.backends import STORES
from derive.backends.markdown.index import overview
from derive.backends.markdown.page import files
from derive.program.policy import PER_CALL as POLICY  # a page reads no schedule

__all__ = ["POLICY", "STORES", "files", "overview"]
