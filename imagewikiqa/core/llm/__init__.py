"""The protocol a language model satisfies here, and a scripted one for tests and dry runs."""
