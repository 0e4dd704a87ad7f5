"""The cost flywheel: cheaper compute, more usage, more infrastructure, more user spend."""
