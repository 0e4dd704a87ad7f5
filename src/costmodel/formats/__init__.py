"""Formats of outside files: a module per format, each stating which versions it reads."""
