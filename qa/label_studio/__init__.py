"""A Label Studio server: projects without duplicates, answers pulled, settings looked at."""
