"""Canonical blocks: draws are computed in whole blocks, so that results don't depend on who computes them."""

from __future__ import annotations

BLOCK = 8192
"""Draws per canonical block [1]; part of every design."""
