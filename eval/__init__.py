"""From models and data to predictions, scores and releases."""
