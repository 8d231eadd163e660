"""Backward passes as students hand them in: the networks, faulty submissions, and correct ones in many styles."""
