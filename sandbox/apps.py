"""The simulators' side: what they offer to a company's first steps."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "sandbox"

    def ready(self) -> None:
        from sandbox import offers

        offers.register()
