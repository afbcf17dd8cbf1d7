"""Measures the product as a black box on this machine. `make bench`."""
