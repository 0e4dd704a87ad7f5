"""Demand, decline, price and rent of compute."""
