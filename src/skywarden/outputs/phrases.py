"""A warning in words, English and Ukrainian: headline, description, what to do."""

from collections.abc import Mapping
from types import MappingProxyType

from skywarden.model.raid import Kind, Level
from skywarden.model.warning import Likely, Move
from skywarden.outputs.message import MINUTE, Message, clean, clock, minute

Words = Mapping[str, str]

ENGLISH: Words = MappingProxyType(
    {
        "event": "Air threat",
        "over": "Warning of an air threat ended",
        Level.WARN.word: "warning",
        Level.CRITICAL.word: "critical",
        "first": "First arrival about {first}, last about {last}.",
        "first now": "First arrival now, last about {last}.",
        "sites": "Sites: {sites}.",
        "ended": "No warning stands for this area any more. That is no promise that nothing comes.",
        "by": "{site}: {action}, start by {by}.",
        "now": "{site}: {action}, start now.",
        "do": "To do: ",
        "plan": "Follow your plan for air threats.",
        "go on": "Go on as your plan says for the end of a warning.",
        **{likely: f"{likely}: {{kinds}}.".capitalize() for likely in Likely},
        **{kind: str(kind) for kind in Kind},
        Kind.UNKNOWN: "targets of a kind that is not known",
    }
)
UKRAINIAN: Words = MappingProxyType(
    {
        "event": "Повітряна загроза",
        "over": "Попередження про повітряну загрозу скасовано",
        Level.WARN.word: "попередження",
        Level.CRITICAL.word: "критично",
        "first": "Перше прибуття близько {first}, останнє близько {last}.",
        "first now": "Перше прибуття зараз, останнє близько {last}.",
        "sites": "Об'єкти: {sites}.",
        "ended": "Для цього району попередження більше не діє. Це не обіцянка, що нічого не прилетить.",
        "by": "{site}: {action}, почати до {by}.",
        "now": "{site}: {action}, почати зараз.",
        "do": "Дії: ",
        "plan": "Дійте за вашим планом на випадок повітряної загрози.",
        "go on": "Дійте за вашим планом на випадок скасування попередження.",
        Likely.VERY: "Дуже ймовірно: {kinds}.",
        Likely.LIKELY: "Ймовірно: {kinds}.",
        Likely.POSSIBLE: "Можливо: {kinds}.",
        Likely.UNLIKELY: "Малоймовірно: {kinds}.",
        Kind.DRONES: "БпЛА",
        Kind.JETS: "реактивні БпЛА",
        Kind.CRUISE: "крилаті ракети",
        Kind.BALLISTIC: "балістичні ракети",
        Kind.SMALL: "малі БпЛА",
        Kind.AIRCRAFT: "літаки",
        Kind.UNKNOWN: "цілі невідомого типу",
    }
)
LANGUAGES: Mapping[str, Words] = MappingProxyType({"en": ENGLISH, "uk": UKRAINIAN})
SITES = 20  # named in a text; the rest is a number


def marked(message: Message, text: str) -> str:
    """Return a text that begins with what it is, when it is not meant."""
    return f"{message.mark}: {text}" if message.mark else text


def event(message: Message, language: str) -> str:
    """Return what kind of event it is."""
    return marked(message, LANGUAGES[language]["event"])


def title(message: Message) -> str:
    """Return a few words with the area's name."""
    return marked(message, f"{LANGUAGES[message.language]['event']}: {clean(message.warning.area)}")


def headline(message: Message, language: str) -> str:
    """Return one line."""
    words, warning = LANGUAGES[language], message.warning
    area = clean(warning.area)
    if message.move is Move.ENDED:
        return marked(message, f"{words['over']}: {area}")
    return marked(message, f"{words['event']}, {words[warning.level.word]}: {area}")


def description(message: Message, language: str) -> str:
    """Return what comes, when, and to which sites."""
    words, warning = LANGUAGES[language], message.warning
    if message.move is Move.ENDED:
        return marked(message, words["ended"])
    kinds = ", ".join(words[kind] for kind in warning.kinds) or words[Kind.UNKNOWN]
    soon = warning.first < warning.sent + MINUTE
    when = words["first now" if soon else "first"]
    last = clock(minute(max(warning.last, warning.sent), up=True))
    parts = [words[warning.likely].format(kinds=kinds), when.format(first=clock(warning.first), last=last)]
    names = [f"{clean(one.site)} ({words[one.level.word]})" for one in warning.sites[:SITES]]
    more = [f"+{len(warning.sites) - SITES}"] if len(warning.sites) > SITES else []
    parts.append(words["sites"].replace("{sites}", ", ".join([*names, *more])))
    return marked(message, " ".join(parts))


def instruction(message: Message, language: str) -> str:
    """Return what to start by when."""
    words, warning = LANGUAGES[language], message.warning
    if message.move is Move.ENDED:
        return marked(message, words["go on"])
    lines = []
    for one in warning.sites[:SITES]:
        for begin in one.begins:
            form = words["by" if begin.by > warning.sent else "now"]
            lines.append(form.format(site=clean(one.site), action=clean(begin.action), by=clock(minute(begin.by))))
    # no line begins with a name: one that looks like a mark would be taken for it
    return marked(message, words["do"] + " ".join(lines) if lines else words["plan"])
