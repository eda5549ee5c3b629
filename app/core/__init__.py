"""What every feature works on: the models, the analysis of an image, its cache, uploads, examples, the codec."""
