"""Takes an open language model to another language: translate, filter, train, evaluate, report."""

__version__ = "0.1.0"
