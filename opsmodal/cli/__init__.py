"""The command line: one module for each group of commands.

What goes wrong is said in a sentence on standard error, with what to do; never as a trace. Exit codes: 0 done,
1 failed, 2 wrong usage. Commands import what they need when they run: `opsmodal demo` must answer within 3 s.
"""

from opsmodal.cli.commands import main

__all__ = ["main"]
