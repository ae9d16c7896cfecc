"""Starts Sampan on a machine that has nothing but Python: embedded servers, one supervisor, front-end assets.

Nothing in here imports Django, so that it can run before there is a database.
"""
