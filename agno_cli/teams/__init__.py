"""Several agents that answer as one: Team, and its modes."""
