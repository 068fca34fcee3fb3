"""The three services: ingest, classify, respond. They meet only through facts."""
