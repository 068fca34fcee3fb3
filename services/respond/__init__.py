"""Owns the ticket, its clocks, the accounts, and what agencies and inspectors touch."""
