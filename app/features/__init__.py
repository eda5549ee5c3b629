"""One module for each feature of the page; each registers its requests."""
