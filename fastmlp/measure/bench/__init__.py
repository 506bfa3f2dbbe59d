"""`fastmlp bench`: the project's claims about speed, measured in one run beside whichever peers are installed.

tasks.py       what has to be trained: data, network, optimiser; the operations that takes
numpy_loop.py  notebook 2's network in NumPy
peers.py       who trains: fastmlp, NumPy, scikit-learn, PyTorch, JAX, behind one signature
predictors.py  who predicts
workers.py     each of them in a process of its own, with a given number of threads
results.py     what was measured, and whether that meets a target
processes.py   start and memory, which only a process of its own can tell
sections.py    the table: who is compared on what, and the targets
report.py      the table in a terminal, as Markdown and as JSON
picture.py     the table as a picture
"""
