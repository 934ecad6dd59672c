"""A GitOps reconciler for GPU fleets on Vast.ai."""

__version__ = "0.1.0"
