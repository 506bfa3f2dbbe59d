"""Compiled code. Kernels take arrays that are already right (checked, C-contiguous, of one dtype) and allocate nothing per sample.

Letters for sizes, everywhere: N samples, B samples of a batch, I inputs (fan-in), H hidden units, O outputs (fan-out), L layers,
V lanes of a vector.
"""
