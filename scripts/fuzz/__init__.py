"""Invalid input for a running page: `python -m scripts.fuzz`."""
