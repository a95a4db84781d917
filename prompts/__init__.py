"""Every word that is sent to a model."""
