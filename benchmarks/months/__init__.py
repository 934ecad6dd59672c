"""A month of one fleet in virtual time: the world with everybody's knowledge of it, and the ways to keep a fleet."""
