"""Shards of a mixture: canonical tar files, the receipts that make them exist, and their check."""
