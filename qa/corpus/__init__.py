"""The corpus author: questions from facts that the pages state, without a model."""
