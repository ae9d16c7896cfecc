"""What the interface registers with the shell."""


def register() -> None:
    pass
