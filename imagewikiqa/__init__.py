"""Knowledge questions about images, and training mixes that teach a VLM to name what it sees."""

__version__ = "0.1.0"
