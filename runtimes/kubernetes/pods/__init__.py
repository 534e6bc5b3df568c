"""What a pod means to a person. Pure, but for what is remembered between two looks.

`status` is the word and the severity of its state, `instance` its row, `details` its own page. `rows.Rows` keeps the
rows of a namespace, and `restarts.Restarts` which pods restarted lately.
"""
