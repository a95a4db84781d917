"""Freely licensed photographs from Wikimedia Commons, with who made them and under which terms."""
