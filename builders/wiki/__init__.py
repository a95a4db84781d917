"""Wikipedia over its API: polite, recorded, pinned to revisions."""
