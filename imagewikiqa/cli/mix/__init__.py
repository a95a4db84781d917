"""`imagewikiqa mix ...`: a recipe to a plan, a plan to shards, shards looked at and passed on."""
