"""What a mixture is made of: each source as an index, and one conversation of a row."""
