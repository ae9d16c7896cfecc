"""What the tenants app has on a tenant's host: the door, and the members' pages."""

from django.urls import path

from tenants import door

urlpatterns = [
    path("enter/<str:token>/", door.enter, name="spend_pass"),
]
