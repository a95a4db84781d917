"""Reading a mixture: one order for any workers and ranks, and only what receipts vouch for."""
