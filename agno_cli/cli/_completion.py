"""What shell completion offers as values of options."""


def model_names(incomplete: str) -> list[str]:
    """Give the providers, as the first half of `provider:name`."""
    from agno_cli.models._registry import providers

    return [f"{name}:" for name in providers() if name.startswith(incomplete)]


def toolkit_names(incomplete: str) -> list[str]:
    """Give the built-in toolkits."""
    from agno_cli.toolkits import TOOLKITS

    return [name for name in TOOLKITS if name.startswith(incomplete)]


def session_ids(incomplete: str) -> list[str]:
    """Give the stored sessions, the newest first."""
    from agno_cli.cli._sessions import stored_ids

    return [name for name in stored_ids() if name.startswith(incomplete)]
