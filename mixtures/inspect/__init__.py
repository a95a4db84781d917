"""What a finished mixture holds: counted in one pass over its shards, shown on one page."""
