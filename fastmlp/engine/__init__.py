"""The Python code around a compiled call: argument checks, inputs, memory, threads, training epochs and prediction."""
