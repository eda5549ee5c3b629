"""One torch thread per test process: the networks of the tests are so small that more only wait for each other."""

import torch

torch.set_num_threads(1)
