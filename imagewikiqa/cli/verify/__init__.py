"""`imagewikiqa verify ...`: rounds of human verification."""
