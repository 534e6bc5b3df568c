"""What the fields of each kind are: for checks of what is written, for field ownership, and for `kubectl explain`."""
