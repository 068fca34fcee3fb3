"""Takes what citizens send; the only service that knows who the citizen is."""
