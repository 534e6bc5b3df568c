"""What gives the simulated cluster its life: scheduler, kubelet and controllers, all in one thread of memory.

Nothing here ever starts a process: containers run invented programs (programs.py) or scripts of an interpreter in
memory.
"""
