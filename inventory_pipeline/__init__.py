"""One place to ask what an AWS organisation has, costs, exposes, wastes and should archive."""
