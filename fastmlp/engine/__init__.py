"""Python around one compiled call: argument checks, inputs, memory, threads, running epochs, predicting."""
