"""Is a machine usable, and how far away is it: questions asked over the network from where this program runs."""
