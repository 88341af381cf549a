"""Cellwright: from the equations of a recurrent cell to everything people need from them."""

VERSION = "0.1.0"
