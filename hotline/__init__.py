"""The shared vocabulary and plumbing of the product; imports no service."""
