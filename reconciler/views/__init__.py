"""Results as text and documents: views never decide and never fetch."""
