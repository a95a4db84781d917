"""From a class list to pinned Wikipedia pages, and from image sets to an index."""
