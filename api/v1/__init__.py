"""Version 1 of the interface: a thin layer over services and queries."""
