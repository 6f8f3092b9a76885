"""The words of `why` and `shift` in English and Ukrainian; words of the live view are taken from there."""

from collections.abc import Callable
from datetime import UTC, datetime

from skywarden.service.words import LANGUAGES

Say = Callable[..., str]

WHY: dict[str, tuple[str, str]] = {
    "alert": ("Alert for {site}: track {track}, raised {raised}", "Тривога для {site}: траса {track}, з {raised}"),
    "track": ("Track {track} at {time}", "Траса {track} о {time}"),
    "arrival": (
        "expected {arrival}, 80 % between {early} and {late}; probability {percent} %, stake {stake}",
        "очікується о {arrival}, 80 % між {early} і {late}; імовірність {percent} %, вага {stake}",
    ),
    "equal": (
        "run again from entry {start} to {last}: {outputs} recorded outputs are equal, byte for byte, this alert among "
        "them (entry {seq})",
        "прогнано ще раз від запису {start} до {last}: {outputs} записаних виходів збігаються побайтово, ця тривога "
        "теж (запис {seq})",
    ),
    "equal-track": (
        "run again from entry {start} to {last}: {outputs} recorded outputs are equal, byte for byte",
        "прогнано ще раз від запису {start} до {last}: {outputs} записаних виходів збігаються побайтово",
    ),
    "differs": ("DIFFERS: the run leaves the record at {where}", "НЕ ЗБІГАЄТЬСЯ: прогін відходить від запису: {where}"),
    "no-moment": (
        "the record ends, or has a hole, before this can be run again",
        "запис закінчується або має прогалину раніше, ніж це можна прогнати",
    ),
    "later": ("-- after that moment:", "-- після цього моменту:"),
    "repeated": (
        "{count} more such lines in between (see --json)",
        "між ними ще таких рядків: {count} (див. --json)",
    ),
    "history": ("What happened", "Що сталося"),
    "confirmed": ("confirmed", "підтверджено"),
    "confirmed-by": ("until then measured by {sensors}", "доти вимірювали: {sensors}"),
    "coasting": ("no sensor sees it, shown by prediction", "жоден датчик не бачить, показано за прогнозом"),
    "dropped": ("not shown any more: {reason}", "більше не показано: {reason}"),
    "raised": (
        "alert for {site}: arrival {arrival}, {percent} %",
        "тривога для {site}: підліт о {arrival}, {percent} %",
    ),
    "updated": ("{site}: arrival {arrival}, {percent} %", "{site}: підліт о {arrival}, {percent} %"),
    "cleared": ("alert for {site} cleared: {reason}", "тривогу для {site} знято: {reason}"),
    "level": ("{site} is now: {level}", "{site}, рівень тепер: {level}"),
    "announced": ("announced at {position}, raid {raid}", "оголошено: {position}, наліт {raid}"),
    "listed": ("listed at {position}, raid {raid}, not aloud", "у списку: {position}, наліт {raid}, не вголос"),
    "escalated": (
        "nobody at {position} acknowledged: {to} was told",
        "{position}: ніхто не підтвердив; сповіщено {to}",
    ),
    "categorised": ('{who} says it is {category}: "{reason}"', "{who}: це {category}: «{reason}»"),
    "uncategorised": ('{who} takes back what was said: "{reason}"', "{who} відкликає сказане: «{reason}»"),
    "category-ended": ("what a person said of it holds no more", "сказане людиною більше не чинне"),
    "acknowledged": ("{who} acknowledged raid {raid} at {position}", "{who} підтверджує наліт {raid}: {position}"),
    "shelved": (
        '{who} shelved {kind} {way} for {site} at {position}: "{reason}"',
        "{who} відкладає {kind} {way} для {site}, {position}: «{reason}»",
    ),
    "unshelved": (
        "{who} took {kind} {way} for {site} at {position} off the shelf",
        "{who} повертає {kind} {way} для {site}, {position}",
    ),
    "handed": ("{who} handed it over to {partner}", "{who} передає ціль: {partner}"),
    "cue-ended": ("hand-over to {partner} ended: {reason}", "передачу для {partner} завершено: {reason}"),
    "was-refused": ("refused: {reason}", "відхилено: {reason}"),
    "not-known": ("not known: the record ends before", "невідомо: запис закінчується раніше"),
    "identity": ("What it is taken for", "За що її вважають"),
    "category": ("{category}, because: {rule}", "{category}, бо: {rule}"),
    "category-by": ("{category}, says {who}: {rule}", "{category}, каже {who}: {rule}"),
    "proposed": ("the system proposes {category}", "система пропонує: {category}"),
    "odds": ("classes: {odds}", "класи: {odds}"),
    "claims": ("says of itself: {claims}", "каже про себе: {claims}"),
    "claimed-only": ("nobody but itself says where it is", "де вона, каже лише вона сама"),
    "doubts": ("cannot be true: {doubts}", "не може бути правдою: {doubts}"),
    "reason": (
        "{source}: for {for_}, against {against}, {nats} nats, {looks} looks in the last {first} s",
        "{source}: за {for_}, проти {against}, {nats} нат, поглядів: {looks} за {first} с",
    ),
    "for-harm": ("used only for harm, not against it", "враховано лише за загрозу, не проти"),
    "site": ("Why {site}", "Чому {site}"),
    "way": (
        "{distance} km from it, in {bearing} deg, {height} m above it; flies {speed} m/s towards {heading} deg",
        "{distance} км від нього, за азимутом {bearing}°, на {height} м вище; летить {speed} м/с курсом {heading}°",
    ),
    "straight": (
        "straight on it passes at {miss} km; radius of the site {radius} km",
        "прямо пройде за {miss} км; радіус об'єкта {radius} км",
    ),
    "away": ("straight on it flies away", "прямо летить геть"),
    "vague": ("only a wide region is known of it", "відомий лише широкий район"),
    "in": (
        "comes within the radius with {percent} %, in {early} to {late} s, median {median} s; needs {need} s",
        "входить у радіус з {percent} %, за {early}-{late} с, медіана {median} с; потрібно {need} с",
    ),
    "cannot": ("it cannot reach the site now", "зараз не може дістатися об'єкта"),
    "frames": ("Raw frames that it rests on", "Вихідні кадри, на яких це стоїть"),
    "counted": (
        "{count} measurements were matched to it until then, in {entries} entries",
        "{count} вимірів зіставлено з нею доти, у записах: {entries}",
    ),
    "by-sensor": ("{sensor}: {count}, the last {last}", "{sensor}: {count}, останній {last}"),
    "left-out": ("{count} earlier ones left out (--frames all)", "раніших не показано: {count} (--frames all)"),
    "unplaced": (
        "of {count} the message was not found again; the frames of the source at that time hold them",
        "для {count} повідомлення не знайдено; воно в кадрах джерела того часу",
    ),
    "not-whole": (
        "measurements are missing: from before entry {start}, where this run begins, or from a hole of the record",
        "деяких вимірів бракує: до запису {start}, з якого почато прогін, або через прогалину запису",
    ),
    "head": (
        "listed is what was matched when it came; what comes late is put in its place afterwards, and single "
        "microphones are matched to nobody",
        "показано те, що зіставлено, коли надійшло; запізніле стає на своє місце потім, а поодинокі мікрофони не "
        "зіставляються ні з ким",
    ),
    "none": ("none", "немає"),
    "says person": ("by a person: {value}", "від людини: {value}"),
    "says latitude": ("latitude {value}", "широта {value}"),
    "says longitude": ("longitude {value}", "довгота {value}"),
    "says height_m": ("{value} m high", "висота {value} м"),
    "says range_km": ("range {value} km", "дальність {value} км"),
    "says bearing_deg": ("bearing {value} deg", "азимут {value}°"),
    "says up_deg": ("{value} deg up", "угору {value}°"),
    "says away_m_s": ("{value} m/s away", "віддаляється {value} м/с"),
    "says sound_deg": ("sound from {value} deg", "звук з {value}°"),
    "says tone_hz": ("tone {value} Hz", "тон {value} Гц"),
    "says level_db": ("heard, {value} dB", "чути, {value} дБ"),
    "says noise_db": ("nothing heard, noise {value} dB", "не чути, шум {value} дБ"),
    "says later_s": ("sound {value} s later than at the other", "звук на {value} с пізніше, ніж в іншого"),
    "says icao24": ("says it is {value}", "каже, що це {value}"),
    "says claims": ("says: {value}", "каже: {value}"),
    "message": ("message {place} of {count}", "повідомлення {place} з {count}"),
    "all": ("(all)", "(усі)"),
}


def of(table: dict[str, tuple[str, str]], language: str) -> Say:
    """Return what says a word of a table, filled in. A word that is not in it is one of the live view, or itself."""
    column, view = (1 if language == "uk" else 0), LANGUAGES[language]

    def say(key: str, /, **said: object) -> str:
        text = table[key][column] if key in table else view.get(key, key)
        return text.format(**said) if said else text

    return say


def clock(time: int) -> str:
    """Return a time as people read it: UTC, to the second; "-" where there is none."""
    return f"{datetime.fromtimestamp(time // 1_000_000_000, UTC):%H:%M:%S}Z" if time else "-"


def moment(time: int) -> str:
    """Return a time with its date."""
    return f"{datetime.fromtimestamp(time // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}Z" if time else "-"
