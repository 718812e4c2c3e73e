"""What things cost: the bundled book of AWS list prices, and the script that makes it from facts.

Prices are data with a source and a month. What the book does not have is unknown, never 0. Not
here: what a resource consumes (`resource_types`) or costs (`marts.cost`).
"""

from inventory_pipeline.prices.book import load_book

__all__ = ["load_book"]
