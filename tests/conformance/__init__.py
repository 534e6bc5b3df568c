"""One table of kubectl command lines and client calls, and one answer for the simulated cluster and any real one."""
