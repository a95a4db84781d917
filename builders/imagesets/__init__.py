"""Readers of image sets in their official layouts, and one index over any of them."""
