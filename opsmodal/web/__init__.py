"""The edge: requests in, pages and JSON out. Decides nothing; every action goes through `opsmodal.operations`."""
