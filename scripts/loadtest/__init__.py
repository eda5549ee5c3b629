"""Many users at once: `python -m scripts.loadtest`."""
