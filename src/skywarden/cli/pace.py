"""How fast something recorded or simulated is to run: the option --speed."""

import typer


def pace_of(text: str) -> float | None:
    """Return how many times faster than it was; None: as fast as can be."""
    if text == "max":
        return None
    try:
        pace = float(text)
    except ValueError:
        pace = 0.0
    if not 0.01 <= pace <= 10_000:
        raise typer.BadParameter(
            f'"{text}" is not a speed; write a number, for example 4, or max', param_hint="--speed"
        )
    return pace
