"""What is operated, how it is reached and by whom: the registry, as a YAML document and in the store.

Nothing here opens a runtime. A document is checked whole, every problem is told with its line, and it is taken whole
or not at all.
"""
