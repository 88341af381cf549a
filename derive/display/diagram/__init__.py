"""Diagrams: a cell drawn from its equations."""
