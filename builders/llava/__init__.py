"""Readers of LLaVA-style conversation data, streaming, with every defect counted."""
