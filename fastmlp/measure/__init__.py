"""Measurements that print nothing: the limits of the machine, the three gradients and the other implementations."""
