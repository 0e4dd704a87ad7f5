"""Published cases, one module per domain."""
