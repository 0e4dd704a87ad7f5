"""Lowest layer: units, arrays, errors, provenance, parameters, designs, scenarios and results."""
