"""Figures, pages and workbooks of results (extras ``plots`` and ``report``)."""
