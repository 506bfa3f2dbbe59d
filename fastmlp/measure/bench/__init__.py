"""`fastmlp bench`: the project's claims about speed, measured in one run beside whichever peers are installed.

tasks.py             what has to be trained: data, network, optimiser
numpy_network.py     the network of the document's second notebook, in NumPy
peers.py             training by fastmlp, NumPy, scikit-learn, PyTorch and JAX, behind one signature
predictors.py        prediction by the same, and by onnxruntime
workers.py           each of them in a process of its own, with a given number of threads
conditions.py        machine, versions and settings that the figures depend on
results.py           what was measured, and whether that meets a target
sections.py          a row of the table that compares: its competitors take turns
start_and_memory.py  the rows that need fresh processes: start, and memory
table.py             all rows, with their targets
"""
