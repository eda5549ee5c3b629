"""Benchmarks of the library; run them with `python -m scripts.bench`."""
