"""Finished mixtures passed on: as rows with images for trainers, and as a folder for a hub."""
