"""Protocols that measure a checkpoint, or files that it made, on a data set."""
