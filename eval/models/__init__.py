"""Models that run in this process: a language model answers as a service would."""
