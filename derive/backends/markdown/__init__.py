"""A page about each cell, in Markdown with mathematics as GitHub shows it."""

from derive.backends.markdown.page import files

__all__ = ["files"]
