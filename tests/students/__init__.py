"""Backward passes as students hand them in: the networks, faulty submissions, correct ones in many styles."""
