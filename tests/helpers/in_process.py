"""A command line without a process for it: the same words, exit code and output, none of the imports."""

import io
import runpy
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from subprocess import CompletedProcess
from unittest.mock import patch


def run_command(module: str, *words: object) -> CompletedProcess[str]:
    """`python -m module words` in this process -> its exit code, stdout and stderr. Other exceptions are raised."""
    out, err = io.StringIO(), io.StringIO()
    arguments = [module, *map(str, words)]
    code: object = 0
    with patch.object(sys, "argv", arguments), redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'.*' found in sys.modules", RuntimeWarning)  # runpy's: it runs once more
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = end.code
    if code is not None and not isinstance(code, int):  # what Python does with `sys.exit("a sentence")`
        print(code, file=err)
        code = 1
    return CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())
