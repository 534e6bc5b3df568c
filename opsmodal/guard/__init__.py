"""The command guard: a typed line is understood as the program will understand it, or it is refused. Pure.

It is the safety rail of a service's Commands tab; the identity that a command runs under is the wall behind it. It
never sees or builds a shell line, never repairs a line on its own, and allows nothing that it does not know.
"""
