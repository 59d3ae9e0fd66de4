"""Shipped recipes, one TOML file each: ``isthmus recipes list``."""
