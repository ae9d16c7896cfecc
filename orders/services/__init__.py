"""Business acts on orders. Each module has one subject."""
