"""The measures of warning: attacks, leads, alarms, baselines, arrivals, coverage."""

from skywarden.score.measure import OWN, Form, Measure

DESIGN1, DESIGN6, DESIGN12 = "DESIGN 1", "DESIGN 6", "DESIGN 12"
ISA = "ISA-18.2; EEMUA 191"
NO_ATTACKS = ("no attacks", "атак не було")
NO_COVERAGE = ("no attacks or no coverage table", "немає атак або таблиці покриття")
NO_FORECASTS = ("no forecast to judge", "немає прогнозів для оцінки")
NONE_ENDED = ("none of its alarms ended before the raid did", "жодна його тривога не закінчилась до кінця нальоту")
RAIDS = "volunteer alerts to 2023, n = 54,513 (raid_statistics_derived.json)"

WARNING_MEASURES: dict[str, Measure] = {
    "attacks.count": Measure(
        "",
        "Raid targets whose true path enters a site's radius (level distance) for the first time, whichever "
        "site they were sent to.",
        "Цілі нальоту, справжній шлях яких уперше входить у радіус об'єкта (відстань по горизонталі), хоч би "
        "куди їх послали.",
        OWN,
    ),
    "attacks.in_time": Measure(
        "1",
        "Part of the attacks for which alerts for the site stood without a gap from arrival minus lead time, "
        "or before, until arrival.",
        "Частка атак, для яких тривоги об'єкта діяли без перерви щонайпізніше від прибуття мінус потрібний "
        "час до самого прибуття.",
        DESIGN12,
        empty=NO_ATTACKS,
    ),
    "attacks.late": Measure(
        "1",
        "Part of the attacks that were covered and tracked, and warned of late or not.",
        "Частка атак, які були покриті й супроводжувались, але попередження було пізнім або його не було.",
        DESIGN12,
        empty=NO_ATTACKS,
    ),
    "attacks.not_tracked": Measure(
        "1",
        "Part of the attacks not warned of in time that were covered, but no track number was within c for 10 "
        "s before arrival minus lead time.",
        "Частка невчасних атак, які були покриті, але жодна траса не була в межах c протягом 10 с до прибуття "
        "мінус потрібний час.",
        DESIGN12,
        empty=NO_ATTACKS,
    ),
    "attacks.not_covered": Measure(
        "1",
        "Part of the attacks not warned of in time with 1 - prod (1 - Pd)^(1/revisit) < 0.9 before arrival "
        "minus lead time.",
        "Частка невчасних атак, для яких 1 - prod (1 - Pd)^(1/період) < 0,9 до прибуття мінус потрібний час.",
        DESIGN12,
        empty=NO_ATTACKS,
    ),
    "attacks.covered": Measure(
        "1",
        "Part of all attacks with 1 - prod (1 - Pd)^(1/revisit) >= 0.9 before arrival minus lead time; a fact "
        "of the scenario.",
        "Частка всіх атак, для яких 1 - prod (1 - Pd)^(1/період) >= 0,9 до прибуття мінус потрібний час; факт "
        "сценарію.",
        DESIGN12,
        empty=NO_COVERAGE,
    ),
    "attacks.covered_twice": Measure(
        "1",
        "The same, for detection by at least two sensors: stricter.",
        "Те саме для виявлення щонайменше двома датчиками: суворіше.",
        OWN,
        empty=NO_COVERAGE,
    ),
    "lead.median": Measure(
        "s",
        "Median over attacks of arrival minus the time since when alerts of the site stood; 0 where none "
        "stood at arrival.",
        "Медіана за атаками: прибуття мінус час, відколи діяли тривоги об'єкта; 0, якщо при прибутті не діяла жодна.",
        DESIGN1,
        empty=NO_ATTACKS,
    ),
    "lead.useful_median": Measure(
        "s",
        "lead.median with no lead counted longer than 15 min.",
        "lead.median, де жоден запас часу не рахується довшим за 15 хв.",
        OWN,
        empty=NO_ATTACKS,
    ),
    "lead.own_median": Measure(
        "s",
        "The same from the first alert of a track of the attacker itself, over attacks that had one.",
        "Те саме від першої тривоги за трасою самого нападника, за атаками, що її мали.",
        OWN,
        empty=("no attack had one", "жодна атака її не мала"),
    ),
    "alarm.minutes": Measure(
        "min",
        "Minutes in which at least one alert stands for the site.",
        "Хвилини, коли діє хоча б одна тривога об'єкта.",
        DESIGN1,
    ),
    "alarm.unneeded": Measure(
        "min",
        "Minutes of alarm in which no attack on the site arrives within the following 15 min.",
        "Хвилини тривоги, протягом яких жодна атака не прибуває на об'єкт у наступні 15 хв.",
        DESIGN1,
    ),
    "alarm.part": Measure(
        "1",
        "Part of the raid's time, all sites together, in which at least one alert stands for the site.",
        "Частка часу нальоту, усі об'єкти разом, коли діє хоча б одна тривога об'єкта.",
        OWN,
    ),
    "alarm.most_in_10_min": Measure(
        "",
        "Most alerts raised in any 10 min, all sites together.",
        "Найбільше тривог за будь-які 10 хв, усі об'єкти разом.",
        ISA,
    ),
    "alarm.flood": Measure(
        "1",
        "Part of the time in a flood of alerts: from more than 10 in 10 min until fewer than 5.",
        "Частка часу в потоці тривог: від понад 10 за 10 хв до менш ніж 5.",
        ISA,
    ),
    "baseline.minutes": Measure(
        "min",
        "Minutes of alarm of a baseline made from the same tracks, all sites together. District: cells of "
        "4,400 km2 (UAVs) and 24,000 km2 (missiles, over 180 m/s), on at the first track inside or heading in "
        "(600 s), off 25 min after the last. Discs: a track within the radius, and 60 s after.",
        "Хвилини тривоги базового способу за тими самими трасами, усі об'єкти разом. Район: клітини 4400 км2 "
        "(БпЛА) і 24 000 км2 (ракети, понад 180 м/с), від першої траси всередині або курсом туди (600 с), "
        "кінець через 25 хв після останньої. Круги: траса в радіусі та ще 60 с.",
        DESIGN1,
    ),
    "baseline.unneeded": Measure(
        "min",
        "Of these, minutes that no attack followed within 15 min.",
        "З них хвилини, після яких за 15 хв не було атаки.",
        OWN,
    ),
    "baseline.missed": Measure(
        "1",
        "Part of the attacks that the baseline warns of late or not.",
        "Частка атак, про які базовий спосіб не попередив вчасно.",
        OWN,
        empty=NO_ATTACKS,
    ),
    "baseline.lead": Measure(
        "s",
        "Median lead of the baseline, as lead.median.",
        "Медіана запасу часу базового способу.",
        OWN,
        empty=NO_ATTACKS,
    ),
    "baseline.useful_lead": Measure(
        "s",
        "The same with no lead counted longer than 15 min, as lead.useful_median.",
        "Те саме, де жоден запас часу не рахується довшим за 15 хв, як lead.useful_median.",
        OWN,
        empty=NO_ATTACKS,
    ),
    "baseline.radius": Measure(
        "m",
        "Radius of the disc. Tuned: the smallest that misses no more than the alerts do on the training raids "
        "(all others; with one raid that one, which favours the disc).",
        "Радіус круга. Підібраний: найменший, що пропускає не більше, ніж тривоги, на навчальних нальотах "
        "(усі інші; якщо наліт один, то він сам, що на користь круга).",
        OWN,
    ),
    "baseline.duration_p50": Measure(
        "min",
        "Median duration of the baseline's alarms that ended.",
        "Медіана тривалості завершених тривог базового способу.",
        OWN,
        empty=NONE_ENDED,
    ),
    "baseline.duration_p90": Measure(
        "min",
        "90 % quantile of the same durations.",
        "Квантиль 90 % тих самих тривалостей.",
        OWN,
        empty=NONE_ENDED,
    ),
    "baseline.ended": Measure(
        "",
        "Alarms of the baseline that ended; quantiles of a few durations say little.",
        "Завершені тривоги базового способу; квантилі кількох тривалостей мало що кажуть.",
        OWN,
    ),
    "baseline.cut": Measure(
        "",
        "Alarms of the baseline cut off by the end of the raid; their durations are not known.",
        "Тривоги базового способу, обірвані кінцем нальоту; їх тривалість невідома.",
        OWN,
    ),
    "baseline.saved": Measure(
        "1",
        "1 - minutes of the alerts / minutes of the baseline; says that less is better only where baseline.fair is 1.",
        "1 - хвилини тривог / хвилини базового способу; лише там, де baseline.fair дорівнює 1, це означає краще.",
        DESIGN12,
        empty=("the baseline gave no alarm", "базовий спосіб не дав тривог"),
    ),
    "baseline.fair": Measure(
        "1",
        "1 if the alerts miss no greater part of the attacks and their useful median lead is no shorter than the "
        "baseline's, else 0.",
        "1, якщо тривоги пропускають не більшу частку атак і їх медіана запасу часу не менша, ніж у базового "
        "способу, інакше 0.",
        DESIGN12,
        form=Form.YES_NO,
    ),
    "published.duration_p50": Measure(
        "min",
        "Published durations of alerts of whole regions: median.",
        "Опублікована тривалість тривог цілих областей: медіана.",
        RAIDS,
    ),
    "published.duration_p90": Measure(
        "min",
        "The same, 90 % quantile.",
        "Те саме, квантиль 90 %.",
        RAIDS,
    ),
    "arrival.inside_50": Measure(
        "1",
        "Part of the true arrivals inside the 50 % interval, one forecast for each track, site and horizon: "
        "the first whose median is at most the horizon.",
        "Частка справжніх прибуттів у межах інтервалу 50 %, один прогноз на трасу, об'єкт і горизонт: перший, "
        "медіана якого не більша за горизонт.",
        DESIGN6,
        empty=NO_FORECASTS,
    ),
    "arrival.inside_80": Measure(
        "1",
        "The same for the 80 % interval.",
        "Те саме для інтервалу 80 %.",
        DESIGN6,
        empty=NO_FORECASTS,
    ),
    "arrival.inside_95": Measure(
        "1",
        "The same for the 95 % interval.",
        "Те саме для інтервалу 95 %.",
        DESIGN6,
        empty=NO_FORECASTS,
    ),
    "arrival.crps": Measure(
        "s",
        "Mean continuous ranked probability score: 2 times the sum over seven levels of the pinball loss, "
        "each with its part of [0, 1].",
        "Середня неперервна рангова оцінка: подвоєна сума втрат пінбол за сімома рівнями, кожен зі своєю "
        "часткою [0, 1].",
        "Gneiting, Raftery 2007; Laio, Tamea 2007",
        empty=NO_FORECASTS,
    ),
    "arrival.pinball": Measure(
        "s",
        "Mean pinball loss over the seven quantiles.",
        "Середня втрата пінбол за сімома квантилями.",
        "Koenker, Bassett 1978",
        empty=NO_FORECASTS,
    ),
    "arrival.brier": Measure(
        "1",
        "Mean squared error of the probability of arrival.",
        "Середній квадрат похибки ймовірності прибуття.",
        "Brier 1950",
        form=Form.PLAIN,
        empty=NO_FORECASTS,
    ),
    "arrival.left_out": Measure(
        "1",
        "Part of these forecasts that cannot be judged: the track is no target's or is not in tracks.csv, the target "
        "has been in the site before, or still flew at the end.",
        "Частка цих прогнозів, яку не можна оцінити: траса не належить жодній цілі або її немає в tracks.csv, ціль уже "
        "була в об'єкті або ще летіла наприкінці.",
        OWN,
        empty=NO_FORECASTS,
    ),
    "arrival.happened": Measure(
        "1",
        "Part that arrived of forecasts in a bin of probability.",
        "Частка прибуттів серед прогнозів у проміжку ймовірності.",
        "Murphy, Winkler 1977",
    ),
    "blind.part": Measure(
        "1",
        "Part of the raid's target-seconds within 30 km of the site with 1 - prod (1 - Pd)^(1/revisit) < 0.9 "
        "over the last 60 s.",
        "Частка секунд цілей нальоту в межах 30 км від об'єкта, де 1 - prod (1 - Pd)^(1/період) < 0,9 за останні 60 с.",
        OWN,
        empty=("no raid near it", "нальоту поблизу не було"),
    ),
}
