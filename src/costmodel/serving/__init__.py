"""What a token costs to serve."""
