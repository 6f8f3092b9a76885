"""What a detection report says of its object beside the place: words that stand beside the track."""

from typing import Any

TEXT = 64  # letters
LEVELS = 4  # of sub-classes that are told, the class included


def said(body: Any) -> list[tuple[str, str]]:
    """Return what the node says of the object: its likeliest class, the strongest signal, a name, a colour."""
    words = []
    if body.classification:
        words.append(("class", _class(max(body.classification, key=lambda c: c.confidence))))
    if body.signal:
        loudest = max(body.signal, key=lambda s: s.amplitude)
        words.append(("signal", f"{loudest.centre_frequency:g}"))
    return words + [(name, getattr(body, name)[:TEXT]) for name in ("id", "colour") if getattr(body, name)]


def _class(one: Any) -> str:
    """Return a class with its likeliest sub-classes and the confidence of the last: "Air Vehicle/UAV 0.8"."""
    words, confidence = [one.type[:TEXT]], one.confidence
    while one.sub_class and len(words) < LEVELS:
        one = max(one.sub_class, key=lambda c: c.confidence)
        words.append(one.type[:TEXT])
        confidence = one.confidence or confidence
    return f"{'/'.join(words)} {confidence:.1f}"
