"""A shift's summary as plain text, and as one page to print: light, A4, without scripts, colours or other files."""

from collections.abc import Iterator
from html import escape
from textwrap import wrap

from skywarden.review.shift_rows import Page, Section
from skywarden.review.words import Say

WIDEST = 44  # columns of a terminal that one cell takes
STYLE = """
@page { size: A4; margin: 14mm 12mm; }
* { box-sizing: border-box; }
body { margin: 1.2rem auto; max-width: 60rem; padding: 0 1rem; background: #fff; color: #000;
  font: 10pt/1.35 "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 16pt; margin: 0 0 .2rem; }
h2 { font-size: 11.5pt; margin: 1rem 0 .2rem; border-bottom: 1.5pt solid #000; break-after: avoid; }
p { margin: .1rem 0; }
.now { border: 1.5pt solid #000; padding: .2rem .7rem .7rem; margin-top: .8rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: .5pt solid #777; padding: .1rem .35rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { background: #eee; font-weight: 700; }
thead { display: table-header-group; } tr { break-inside: avoid; }
.signatures { display: flex; gap: 3rem; margin-top: 2rem; break-inside: avoid; }
.signatures p { flex: 1; border-top: .5pt solid #000; padding-top: .2rem; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
"""


def lines(page: Page, say: Say) -> Iterator[str]:
    """Yield the summary as text."""
    yield page.title
    yield from page.notes
    for section in (*page.standing, *page.happened):
        yield ""
        yield section.title
        yield from _table(section, say)


def _table(section: Section, say: Say) -> Iterator[str]:
    if not section.rows:
        yield "  " + say("none")
        return
    rows = [section.head, *section.rows]
    widths = [min(WIDEST, max(len(row[k]) for row in rows)) for k in range(len(section.head))]
    for row in rows:
        cells = [wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells))):
            parts = [cell[k] if k < len(cell) else "" for cell in cells]
            yield ("  " + "  ".join(part.ljust(width) for part, width in zip(parts, widths, strict=True))).rstrip()
    if section.left:
        yield "  " + section.left


def html(page: Page, say: Say, language: str) -> str:
    """Return the page. Everything that is not ours is escaped, and a policy forbids what is no text all the same."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    standing, happened = ("".join(_section(one, say) for one in some) for some in (page.standing, page.happened))
    signed = "".join(f"<p>{escape(say(key))}</p>" for key in ("signature", "signature-taken"))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}, {escape(page.notes[0])}</title><style>{STYLE.strip()}</style></head><body>"
        f"<h1>{escape(page.title)}</h1>{''.join(f'<p>{escape(note)}</p>' for note in page.notes)}"
        f'<div class="now">{standing}</div>{happened}<div class="signatures">{signed}</div></body></html>\n'
    )


def _section(section: Section, say: Say) -> str:
    title = f"<h2>{escape(section.title)}</h2>"
    if not section.rows:
        return f"<section>{title}<p>{escape(say('none'))}</p></section>"
    head = "".join(f"<th>{escape(cell)}</th>" for cell in section.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    left = f"<p>{escape(section.left)}</p>" if section.left else ""
    return f"<section>{title}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{left}</section>"
