"""``python -m derive``."""

import sys

if not sys.flags.safe_path:  # as the command does, and so never a file numpy.py that lies here
    del sys.path[0]

from derive.cli import main

main()
