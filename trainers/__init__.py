"""From shards to a trained projector."""
