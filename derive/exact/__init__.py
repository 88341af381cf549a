"""Exact arithmetic on unrolled equations: what is equal is found to be, not to a tolerance."""
