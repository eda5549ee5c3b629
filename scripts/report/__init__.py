"""The pages that hold numbers, made from `results/*.json`: `python -m scripts.report`."""
