"""Weights as tables: a row for each variable, or for each number; HDF5 files listed."""
