"""The record on a ref of a git repository, for runners that keep no disk."""
