"""Compares headpool's output with PyTorch's."""

import numpy as np

worst = np.abs(np.load("y.npy") - np.load("expected.npy")).max()
assert worst < 1e-5, worst
print("headpool and PyTorch agree to 1e-5")
