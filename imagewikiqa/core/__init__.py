"""What every room stands on: records, tables, stages, runs, errors, the LLM protocol."""
