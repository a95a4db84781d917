"""From a page to verified, balanced, audited multiple-choice questions."""
