"""The measures of tracks: errors, GOSPA, OSPA, SIAP, trajectories, segments, classes."""

from skywarden.score.measure import OWN, Form, Measure

TRAJECTORY = "Garcia-Fernandez, Rahmathullah, Svensson 2020"
CLEAR = "Bernardin, Stiefelhagen 2008"
GOSPA = "Rahmathullah, Garcia-Fernandez, Svensson 2017"
SIAP = "Votruba et al. 2001; edge rules as Stone Soup 1.9.1"
CONSISTENT = "Bar-Shalom, Li, Kirubarajan 2001, section 5.4.2"
NO_TARGETS = ("no targets", "цілей немає")
NONE_NEAR = ("no track was within c of a target", "жодної траси в межах c від цілі")
NONE_TWICE = ("no coverage table, or nothing seen so well", "немає таблиці покриття або нічого не видно так добре")
NONE_STATED = ("no track near a target states its covariance", "жодна траса біля цілі не заявляє коваріації")
NONE_ON = ("no track was on a target", "жодної траси на цілі")

TRACK_MEASURES: dict[str, Measure] = {
    "error.median": Measure(
        "m",
        "Median level distance of a track to the nearest wanted target within c, by the target's class.",
        "Медіана горизонтальної відстані траси до найближчої бажаної цілі в межах c, за класом цілі.",
        OWN,
    ),
    "error.p90": Measure(
        "m",
        "90 % quantile of the same.",
        "Квантиль 90 % того самого.",
        OWN,
    ),
    "followed.part": Measure(
        "1",
        "Part of the target-seconds with at least one track within c, level; all together and by the target's class.",
        "Частка секунд цілей хоча б з однією трасою в межах c по горизонталі; разом і за класом цілі.",
        OWN,
        empty=NO_TARGETS,
    ),
    "nuisance.followed": Measure(
        "1",
        "Part of the target-seconds of nuisances (birds, noise) with a track within c, level, that was within c of no "
        "wanted target; neither good nor bad.",
        "Частка секунд завад (птахи, шум) із трасою в межах c по горизонталі, яка не була в межах c жодної бажаної "
        "цілі; ні добре, ні погано.",
        OWN,
        empty=("no nuisances", "завад не було"),
    ),
    "nuisance.alerts": Measure(
        "",
        "Alerts raised for tracks that are a nuisance's.",
        "Тривоги за трасами, що належать завадам.",
        OWN,
    ),
    "gospa.rms": Measure(
        "m",
        "Root of the mean over times of GOSPA squared, alpha = 2, p = 2, distances in space, c as given.",
        "Корінь із середнього за часом квадрата GOSPA, alpha = 2, p = 2, відстані в просторі, c задано.",
        GOSPA,
    ),
    "gospa.localisation": Measure(
        "m",
        "Its part from errors of place, root of the mean.",
        "Його частина від похибок місця.",
        GOSPA,
        empty=NONE_NEAR,
    ),
    "gospa.missed": Measure(
        "m",
        "Its part from targets without a track, c^2/2 each.",
        "Його частина від цілей без траси, c^2/2 за кожну.",
        GOSPA,
    ),
    "gospa.false": Measure(
        "m",
        "Its part from tracks without a target, c^2/2 each.",
        "Його частина від трас без цілі, c^2/2 за кожну.",
        GOSPA,
    ),
    "ospa.mean": Measure(
        "m",
        "Mean over times of OSPA, p = 2, c as given.",
        "Середнє за часом OSPA, p = 2, c задано.",
        "Schuhmacher, Vo, Vo 2008",
    ),
    "siap.completeness": Measure(
        "1",
        "Part of target-times with a track on the target. A track is on the target nearest to it, closer than c in "
        "space, from the first of 3 of its times in a row until another or none is nearest at 2 in a row.",
        "Частка моментів цілей із трасою на цілі. Траса на цілі, найближчій до неї, ближче за c у просторі, від "
        "першого з 3 її моментів поспіль, доки 2 моменти поспіль найближча інша або жодна.",
        SIAP,
        empty=NO_TARGETS,
    ),
    "siap.ambiguity": Measure(
        "",
        "Tracks on each tracked target; 1 is best.",
        "Трас на кожній супроводжуваній цілі; найкраще 1.",
        SIAP,
        empty=NONE_ON,
    ),
    "siap.spuriousness": Measure(
        "1",
        "Part of track-times on no target.",
        "Частка моментів трас не на цілі.",
        SIAP,
        empty=("no tracks but those of nuisances", "немає трас, крім трас завад"),
    ),
    "siap.position_accuracy": Measure(
        "m",
        "Mean distance in space of the tracks that are on a target.",
        "Середня просторова відстань трас, що на цілі.",
        SIAP,
        empty=NONE_ON,
    ),
    "siap.velocity_accuracy": Measure(
        "m/s",
        "Mean error of velocity of the tracks that are on a target.",
        "Середня похибка швидкості трас, що на цілі.",
        SIAP,
        empty=("no track was on a target, or one states no velocity", "жодної траси на цілі або траса без швидкості"),
    ),
    "siap.number_changes": Measure(
        "1/s",
        "Changes of the track number for each tracked second of a target.",
        "Зміни номера траси за супроводжувану секунду цілі.",
        SIAP,
        empty=NONE_ON,
    ),
    "siap.longest_segment": Measure(
        "1",
        "Part of a target's life under its longest-lasting track number.",
        "Частка існування цілі під номером траси, що тривав найдовше.",
        SIAP,
        empty=NO_TARGETS,
    ),
    "siap.twice_completeness": Measure(
        "1",
        "As siap.completeness, of the target-times at which two radars' true Pd of one look is at least 0.5.",
        "Як siap.completeness, за моментами цілей, коли справжня Pd одного огляду двох радарів щонайменше 0,5.",
        OWN,
        empty=NONE_TWICE,
    ),
    "siap.twice_ambiguity": Measure(
        "",
        "As siap.ambiguity, of these target-times.",
        "Як siap.ambiguity, за цими моментами.",
        OWN,
        empty=NONE_TWICE,
    ),
    "siap.twice_spuriousness": Measure(
        "1",
        "Track-times on no target whose nearest living target, however far, is at such a time, as a part of these and "
        "of the track-times on such targets.",
        "Моменти трас не на цілі, чия найближча жива ціль, хоч як далеко, має такий момент, як частка їх разом із "
        "моментами трас на таких цілях.",
        OWN,
        empty=NONE_TWICE,
    ),
    "siap.twice_part": Measure(
        "1",
        "Part of all target-times that are such; a fact of the scenario. The rest is not covered so well.",
        "Частка таких моментів серед усіх моментів цілей; властивість сценарію. Решта покрита гірше.",
        OWN,
        empty=NONE_TWICE,
    ),
    "nees.mean": Measure(
        "",
        "Mean per dimension of the squared error of a track's place through its stated covariance, over GOSPA's "
        "pairs, by the sensor that saw the track last: 1 is honest, more is too sure. The 12 sensors furthest from 1 "
        "are named.",
        "Середнє на вимір квадрата похибки місця траси через заявлену коваріацію, за парами GOSPA, за датчиком, що "
        "бачив трасу останнім: 1 чесно, більше - надто впевнено. Названо 12 датчиків, найдальших від 1.",
        CONSISTENT,
        empty=NONE_STATED,
    ),
    "nees.inside_95": Measure(
        "1",
        "Part of these errors inside the 95 % region that the track states.",
        "Частка цих похибок у межах області 95 %, яку заявляє траса.",
        CONSISTENT,
        empty=NONE_STATED,
    ),
    "trajectory.rms": Measure(
        "m",
        "Trajectory metric, linear programming form, p = 2, gamma = c, each time counted 1 / T.",
        "Метрика траєкторій у формі лінійного програмування, p = 2, gamma = c, кожен момент із вагою 1 / T.",
        TRAJECTORY,
    ),
    "trajectory.localisation": Measure(
        "m", "Its part from errors of place.", "Її частина від похибок місця.", TRAJECTORY, empty=NONE_NEAR
    ),
    "trajectory.missed": Measure("m", "Its part from missed targets.", "Її частина від пропущених цілей.", TRAJECTORY),
    "trajectory.false": Measure("m", "Its part from false tracks.", "Її частина від хибних трас.", TRAJECTORY),
    "trajectory.switch": Measure(
        "m",
        "Its part from tracks that change their targets.",
        "Її частина від трас, що змінюють цілі.",
        TRAJECTORY,
        empty=NONE_NEAR,
    ),
    "trajectory.exact": Measure(
        "1",
        "1 if it was solved exactly; 0: in pieces of time, then it is at most what is given.",
        "1, якщо розв'язано точно; 0: частинами за часом, тоді вона не більша за подану.",
        OWN,
        form=Form.YES_NO,
    ),
    "first_track.flying": Measure(
        "s",
        "Median time from a target's first second to the first track on it, as siap.completeness has it (nearest, "
        "within c in space, 3 times in a row), over targets that had one.",
        "Медіана часу від першої секунди цілі до першої траси на ній, як у siap.completeness (найближча, у межах c у "
        "просторі, 3 моменти поспіль), за цілями, що її мали.",
        OWN,
        empty=NONE_ON,
    ),
    "first_track.never_flying": Measure(
        "1",
        "Part of all targets that never had a track on them; in space, so a wrong height can be why.",
        "Частка всіх цілей, на яких ніколи не було траси; у просторі, тож причиною може бути хибна висота.",
        OWN,
        empty=NO_TARGETS,
    ),
    "first_track.covered": Measure(
        "s",
        "As first_track.flying, from the second by which the sensors had detected it with P = 0.9; a track before "
        "waits 0.",
        "Як first_track.flying, від секунди, до якої датчики виявили її з імовірністю 0,9; раніша траса чекає 0.",
        OWN,
        empty=(
            "no track was on a covered target, or no coverage table",
            "жодної траси на покритій цілі або таблиці покриття",
        ),
    ),
    "first_track.never_covered": Measure(
        "1",
        "Part of these targets that never had a track on them.",
        "Частка таких цілей, на яких ніколи не було траси.",
        OWN,
        empty=("no covered target, or no coverage table", "немає покритих цілей або таблиці покриття"),
    ),
    "segments.numbers": Measure(
        "",
        "Mean number of track numbers that were on a tracked target, as siap.completeness has it.",
        "Середня кількість номерів трас на супроводжуваній цілі, як у siap.completeness.",
        OWN,
        empty=NONE_ON,
    ),
    "segments.breaks": Measure(
        "",
        "Mean number of times that no track was on a tracked target any more and later one was again.",
        "Середня кількість утрат супроводжуваної цілі з пізнішою трасою на ній.",
        CLEAR,
        empty=NONE_ON,
    ),
    "segments.switches": Measure(
        "",
        "Mean number of changes of a tracked target's number, in the assignment of GOSPA.",
        "Середня кількість змін номера супроводжуваної цілі, у призначенні GOSPA.",
        CLEAR,
        empty=NONE_ON,
    ),
    "segments.longest": Measure(
        "s",
        "Median over tracked targets of the longest unbroken stay of one track on the target.",
        "Медіана за супроводжуваними цілями найдовшої неперервної присутності однієї траси на цілі.",
        OWN,
        empty=NONE_ON,
    ),
    "class.right": Measure(
        "1",
        "Part of the target-seconds with a stated class in which it is the true one, word for word.",
        "Частка секунд цілей із названим класом, у яких він істинний, слово в слово.",
        OWN,
        empty=("no track states a class", "жодна траса не називає класу"),
    ),
    "class.seconds": Measure(
        "s",
        "Target-seconds of a true class by the class that its track, in the assignment of GOSPA, states (confusion).",
        "Секунди цілей істинного класу за класом, який називає їх траса у призначенні GOSPA (плутанина).",
        OWN,
    ),
}
