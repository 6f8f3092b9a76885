"""What a person's reason must be."""

REASON = 500  # characters


def unfit(reason: str, what: str = "a reason") -> str:
    """Return what is wrong with a reason, "" nothing."""
    if not reason.strip():
        return f"write {what}: it is read by who comes after"
    if len(reason) > REASON:
        return f"{what} of {len(reason)} characters is too long: {REASON} are kept"
    return ""
