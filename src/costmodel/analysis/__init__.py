"""Ensembles, sensitivity, break-even, calibration, comparison and backtest of any model."""
