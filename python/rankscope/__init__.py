"""Rankscope inside the training process. Under `rankscope run` nothing needs to be imported."""

__version__ = "0.1.0"
