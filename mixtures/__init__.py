"""From image sets and LLaVA data to WebDataset shards."""
