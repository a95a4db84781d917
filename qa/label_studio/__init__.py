"""A Label Studio server: projects pushed without a duplicate, answers pulled, settings looked at."""
