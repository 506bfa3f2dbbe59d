"""`fastmlp bench`: the project's claims about speed, measured in one run together with the peers that are installed.

tasks.py             what has to be trained: data, network, optimizer
numpy_network.py     the network of the document's second notebook, in NumPy
peers.py             training by fastmlp, NumPy, scikit-learn, PyTorch and JAX, with one signature
predictors.py        prediction by the same libraries, and by onnxruntime
workers.py           a process of its own for each peer, with a given number of threads
conditions.py        machine, versions and settings on which the figures depend
results.py           what was measured, and whether it meets a target
sections.py          a row of the table that compares peers, whose runs alternate
start_and_memory.py  the rows that need new processes: start, and memory
estimator_problems.py  what the estimators are compared on; the sections are in `fastmlp.cli.bench_estimators`
table.py             all rows, with their targets
"""
