"""The words of the report page in English and Ukrainian, one table."""

from html import escape

WORDS: dict[str, tuple[str, str]] = {
    "title": ("How good was the warning?", "Чи добрим було попередження?"),
    "made": ("Simulated raid, judged against its truth.", "Змодельований наліт, оцінений за істиною."),
    "language": ("Українською", "In English"),
    "verdict": ("What became of the attacks", "Що сталося з атаками"),
    "map": ("The picture over time", "Картина в часі"),
    "gospa": ("GOSPA and its parts", "GOSPA та її частини"),
    "counts": ("Targets and tracks", "Цілі й траси"),
    "errors": ("Errors of place by class", "Похибки місця за класом"),
    "inside": ("Arrivals inside their intervals", "Прибуття в межах інтервалів"),
    "reliability": ("Was the probability of arrival right?", "Чи правильна ймовірність прибуття?"),
    "leads": ("Lead time of each attack", "Запас часу кожної атаки"),
    "alarms": ("Minutes of alarm", "Хвилини тривоги"),
    "coverage": ("What the sensors could have seen", "Що могли побачити датчики"),
    "figures": ("All figures", "Усі показники"),
    "definition": ("Definition and source", "Визначення й джерело"),
    "all": ("all sites", "усі об'єкти"),
    "in_time": ("warned in time", "вчасне попередження"),
    "late": ("tracked, warned late or not", "супроводжено, пізно або без попередження"),
    "not_tracked": ("covered, not tracked", "покрито, не супроводжено"),
    "not_covered": ("not covered", "не покрито"),
    "in-time-of": ("of the attacks were warned of in time.", "атак із вчасним попередженням."),
    "alarm-part": ("of the sites' time was under alarm.", "часу об'єктів діяла тривога."),
    "attacks": ("attacks", "атаки"),
    "time-min": ("time, min", "час, хв"),
    "gospa-m": ("GOSPA, m", "GOSPA, м"),
    "localisation": ("place", "місце"),
    "missed": ("missed targets", "пропущені цілі"),
    "false": ("false tracks", "хибні траси"),
    "number": ("number", "кількість"),
    "targets": ("targets without birds", "цілі без птахів"),
    "followed": ("targets with a track", "цілі з трасою"),
    "tracks": ("tracks", "траси"),
    "spare": ("tracks without a target", "траси без цілі"),
    "error-m": ("level error, m", "похибка, м"),
    "class": ("class of the target", "клас цілі"),
    "box": ("line: 10 to 90 %, dot: median", "лінія: 10-90 %, точка: медіана"),
    "horizon-min": ("horizon: median of the forecast, min", "горизонт: медіана прогнозу, хв"),
    "part-inside": ("part inside, %", "частка всередині, %"),
    "interval-50": ("50 % interval", "інтервал 50 %"),
    "interval-80": ("80 % interval", "інтервал 80 %"),
    "interval-95": ("95 % interval", "інтервал 95 %"),
    "wanted": ("dashed: as it should be", "пунктир: як має бути"),
    "said": ("probability said, %", "названа ймовірність, %"),
    "happened": ("arrived, %", "прибуло, %"),
    "arrival-min": ("arrival, min since the start", "прибуття, хв від початку"),
    "lead-min": ("lead time, min", "запас часу, хв"),
    "own": ("from the first alert of its own track", "від першої тривоги за його власною трасою"),
    "need": ("dashed: needed by a site", "пунктир: потрібно об'єкту"),
    "minutes": ("minutes of alarm, all sites", "хвилини тривоги, усі об'єкти"),
    "needed": ("an attack followed within 15 min", "атака протягом 15 хв"),
    "unneeded": ("not needed", "непотрібні"),
    "alerts": ("this system", "ця система"),
    "district": ("district cells", "клітини районів"),
    "disc-30-km": ("disc of 30 km", "круг 30 км"),
    "disc-tuned": ("tuned disc", "підібраний круг"),
    "missed-rate": ("at the right: attacks warned of late or not", "праворуч: атаки з пізнім або без попередження"),
    "percent": ("%", "%"),
    "covered": ("covered by one sensor", "покрито одним датчиком"),
    "covered_twice": ("covered by two sensors", "покрито двома датчиками"),
    "blind": ("not watched within 30 km", "без нагляду в межах 30 км"),
    "play": ("Play", "Пуск"),
    "pause": ("Pause", "Пауза"),
    "view": ("View", "Вигляд"),
    "moment": ("Time", "Час"),
    "true-raid": ("target of the raid (truth)", "ціль нальоту (істина)"),
    "true-other": ("other flier (truth)", "інший літальний апарат (істина)"),
    "track-own": ("track of a target", "траса цілі"),
    "track-spare": ("track without a target", "траса без цілі"),
    "true-nuisance": ("bird or noise (truth)", "птах або шум (істина)"),
    "track-nuisance": ("track of a nuisance", "траса завади"),
    "site": ("site; filled: alarm stands", "об'єкт; заповнений: діє тривога"),
    "sensor": ("sensor", "датчик"),
    "crowd": ("one of many sensors", "один із багатьох датчиків"),
    "keys": ("Arrow keys move the slider.", "Стрілки рухають повзунок."),
    "no-alerts": (
        "There is no table of alerts, so nothing is said of what it warned of.",
        "Таблиці тривог немає, тому про попередження нічого не сказано.",
    ),
    "no-tracks": ("The table of tracks has no rows.", "У таблиці трас немає рядків."),
    "nothing-alerts": ("There are no alerts in the tables.", "У таблицях немає тривог."),
    "nothing-attacks": ("No target of a raid reached a site.", "Жодна ціль нальоту не досягла об'єкта."),
    "nothing-arrivals": ("There are no arrival forecasts to judge.", "Немає прогнозів прибуття для оцінки."),
    "nothing-coverage": ("No target of a raid, or no coverage table.", "Немає цілей нальоту або таблиці покриття."),
    "nothing-tracks": ("There are no tracks near targets.", "Немає трас біля цілей."),
    "first-raid": ("Drawn for the first raid.", "Показано для першого нальоту."),
    "raids-together": ("Raids together:", "Нальотів разом:"),
    "name": ("measure", "показник"),
    "of": ("of", "чого"),
    "value": ("value", "значення"),
    "unit": ("unit", "одиниця"),
    "interval": ("95 % interval", "інтервал 95 %"),
    "source": ("source", "джерело"),
}


def word(key: str) -> str:
    """Return both languages of a key as HTML, of which the page shows one; what is not in the table as it stands."""
    if key not in WORDS:
        return escape(key)
    english, ukrainian = WORDS[key]
    return both(english, ukrainian)


def both(english: str, ukrainian: str) -> str:
    """Return a text in both languages as HTML."""
    if english == ukrainian:
        return escape(english)
    return f'<span class="en" lang="en">{escape(english)}</span><span class="uk" lang="uk">{escape(ukrainian)}</span>'
