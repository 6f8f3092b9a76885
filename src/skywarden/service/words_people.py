"""The words of the live view about people: what waits for them, what is advised, handed over, and whom to believe."""

from collections.abc import Mapping

PEOPLE: Mapping[str, Mapping[str, str]] = {
    "en": {
        "people_fault": "nobody can log in: {fault}",
        "escalated": "nobody at {position} has acknowledged what is announced since {since}: {to} was told",
        "handed": "handed over to {partner} by {by}: track {track}, until {until}",
        "feeding": "{partner} gets the picture, allowed by {by}, until {until}",
        "partner_fault": "{partner} is not reached: {fault}",
        "advised_meet": "{unit}: leave by {by}",
        "advised_look": "{unit}: look there by {by}",
        "sent": "{unit} ({person})",
        "quarantined": "in quarantine, not counted for what is watched: {sensors}",
    },
    "uk": {
        "people_fault": "ніхто не може увійти: {fault}",
        "escalated": "{position}: оголошене о {since} ніхто не підтвердив; повідомлено {to}",
        "handed": "передано {partner} ({by}): ціль {track}, до {until}",
        "feeding": "{partner} отримує картину, дозвіл {by}, до {until}",
        "partner_fault": "{partner}: немає зв'язку: {fault}",
        "advised_meet": "{unit}: виїзд до {by}",
        "advised_look": "{unit}: подивитися до {by}",
        "sent": "{unit} ({person})",
        "quarantined": "у карантині, не враховано в нагляді: {sensors}",
    },
}
