"""The same arithmetic on every machine that runs the tests.

One torch thread per test process: the networks of the tests are so small that more only wait for each other. And
`auto` means float32, whatever a probe would find here.
"""

import pytest
import torch

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def float32():
    """`auto` as on a machine without bfloat16 instructions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crt.precision.get_capabilities", dict)
        yield
