"""The database backend: django-tenants' own, with cursors that know the tenant they were opened for."""
