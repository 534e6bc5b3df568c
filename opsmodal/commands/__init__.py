"""Commands that people run: each as a job of the server, and each as a record that outlives it."""
