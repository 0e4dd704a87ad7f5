"""Formulas of papers as printed, to compare the library with; no model uses them."""
