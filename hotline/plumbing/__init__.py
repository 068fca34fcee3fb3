"""Drivers behind the seam: log, stores' database, sealing, the one consuming loop."""
