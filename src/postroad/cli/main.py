"""The operator's command."""


def main() -> None:
    """Entry point."""
