"""Sourced records: accelerators, prices, models, training runs, companies, energy."""
