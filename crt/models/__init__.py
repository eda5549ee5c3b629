"""The networks: tiles, transformer, loop, CAM head, CNN, the pair, DeepLab, IRN, and what they put out."""
