"""Who set which field: server-side apply and `metadata.managedFields`."""
