"""Business acts on marketplace accounts. Each module has one subject."""
