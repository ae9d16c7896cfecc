"""Acts on the programming interface: keys, kept answers, webhooks out."""
