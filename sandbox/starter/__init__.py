"""A sandbox store for anybody who wants to try: a seller at the simulators with buyers who already wait."""
