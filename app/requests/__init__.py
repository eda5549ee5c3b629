"""What the browser sends, checked value by value."""
