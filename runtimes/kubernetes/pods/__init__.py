"""What a pod means to a person. Pure, but for what is remembered between two looks.

`status` is the word for its state and `severity` how bad that is, `instance` is its row, `details` its own page.
`rows.Rows` keeps the rows of a namespace, and `restarts.Restarts` which pods restarted lately.
"""
