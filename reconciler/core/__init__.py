"""The pure core: decisions as functions over frozen data. No I/O, no clock, no randomness, no logging."""
