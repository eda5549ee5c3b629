"""What protects and hosts the page."""
