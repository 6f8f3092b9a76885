"""What each setting of a recipient means: a part of `about`."""

from collections.abc import Mapping

from skywarden.config.about_row import About

RECIPIENTS: Mapping[str, About] = {
    "recipients.name": About("A name of your choice.", example='"civil defence"'),
    "recipients.kind": About(
        'How it is told: "cap" (CAP 1.2), "webhook" (CloudEvents), "mqtt", "cot" (Cursor on Target) or "command".',
        example='"webhook"',
    ),
    "recipients.url": About(
        "Where it is. cap: https://, http:// or file:///DIRECTORY; webhook: https:// or http://; mqtt: mqtts:// or "
        "mqtt://; cot: tls://, tcp:// or udp://. It is recorded: nothing secret in it.",
        example='"https://127.0.0.1:8443/warnings"',
    ),
    "recipients.command": About(
        "Path of a program and its arguments, for command: it gets the text on standard input.",
        example='["/usr/local/bin/send-mail", "duty@example.org"]',
    ),
    "recipients.areas": About(
        "Names of districts, and of sites that are in none, that it is told of. Left out: all.", example='["North"]'
    ),
    "recipients.language": About('Of CoT and command: "en" or "uk". CAP and JSON have both.'),
    "recipients.least": About('Level from which it is told: "warn" or "critical".'),
    "recipients.actual": About(
        "true: what it is told is meant (CAP status Actual), if the picture is live. Until then all of it is a test."
    ),
    "recipients.in_exercise": About(
        "true: it is told of exercises, simulations and recordings too, each text marked as EXERCISE."
    ),
    "recipients.key": About(
        "File with a secret: cap and webhook sign with it (HMAC-SHA256), for mqtt it is the password.",
        example='"webhook.key"',
    ),
    "recipients.user": About("User of the MQTT broker.", example='"skywarden"'),
    "recipients.topic": About("MQTT topic above those of the areas."),
    "recipients.tls_ca": About(
        "Certificates of who signed the recipient's, a PEM file. Left out: those that this computer trusts.",
        example='"ca.pem"',
    ),
    "recipients.timeout_s": About("For one attempt.", "seconds", 0.1, 300),
    "recipients.plain": About("true: without TLS to another computer. Whoever is on the way can read and change it."),
}
