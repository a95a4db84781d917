"""Rounds of human verification: who answers what, what came back, and what it means."""
