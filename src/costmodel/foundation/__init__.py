"""Ground floor: units, arrays, errors, provenance, parameters, designs, scenarios and results."""
