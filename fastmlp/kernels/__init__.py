"""Compiled kernels. Their arrays are already checked, C-contiguous and of one dtype, and they allocate nothing per sample.

These letters stand for sizes throughout: N samples, B samples in a batch, I inputs (fan-in), H hidden units, O outputs (fan-out),
L layers and V lanes in a vector.
"""
