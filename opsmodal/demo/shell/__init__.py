"""A small shell in memory: what `kubectl exec` and scripts in containers meet in the simulated cluster.

It reads the command line, runs commands that are written here over invented files, and gives output and an exit status.
It never starts a process, opens a file or a connection of the machine, whatever it is asked.
"""
