"""Business acts of logistics."""
