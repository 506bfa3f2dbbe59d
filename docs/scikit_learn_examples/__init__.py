"""Run scikit-learn's own examples of multilayer perceptrons with its estimators and with fastmlp's.

The command is ``python -m docs.scikit_learn_examples``. The examples come from scikit-learn's source. Only their import is changed;
what they print and draw is compared.
"""
