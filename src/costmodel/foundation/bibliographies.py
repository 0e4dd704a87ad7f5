"""Bibliographies: a scenario's sources as a table and as BibTeX entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costmodel.foundation.provenance import Citation, Source
from costmodel.foundation.tables import Linked, Table, safe_link

_TEX = {**{sign: f"\\{sign}" for sign in "&%$#_"}, **dict.fromkeys("{}\\", ""), "~": " ", "^": " "}
"""TeX replacements for characters that TeX reads as commands."""


def bibliography(citations: Sequence[Citation], title: str) -> Table:
    """Return the cited documents as a table, those with the most inputs first.

    Parameters
    ----------
    citations
        Inputs with their sources.
    title
        Title of the table.

    Examples
    --------
    >>> from costmodel.foundation.provenance import Grade
    >>> source = Source("Report", "2026-05", "https://a.b")
    >>> bibliography([Citation("price", "2", "USD", Grade.REPORTED, source, None)], "mine").records()
    [{'source': 'Report', 'date': '2026-05', 'inputs': 1, 'grades': 'reported', 'link': 'https://a.b'}]
    """
    by_source: dict[Source, list[Citation]] = {}
    for row in citations:
        if row.source is not None:
            by_source.setdefault(row.source, []).append(row)
    rows = [
        (
            source.title,
            source.date or "",
            len(found),
            ", ".join(dict.fromkeys(str(row.grade) for row in found)),
            Linked(source.link or "", source.link),
        )
        for source, found in sorted(by_source.items(), key=lambda item: -len(item[1]))
    ]
    without = sum(row.source is None for row in citations)
    notes = (f"{len(citations)} inputs, {without} of them without a document",)
    return Table(("source", "date", "inputs", "grades", "link"), tuple(rows), title, notes)


def bibtex(sources: Mapping[str, Source]) -> str:
    r"""Return documents as entries for BibTeX.

    Parameters
    ----------
    sources
        Documents by key.

    Examples
    --------
    >>> print(bibtex({"report": Source("R&D {2026}", "2026-05", "https://a.b/c_d")}), end="")
    @misc{report,
      title = {{R\&D 2026}},
      year = {2026},
      month = {5},
      howpublished = {\url{https://a.b/c_d}}
    }
    """
    return "\n".join(_entry(key, source) for key, source in sources.items())


def _entry(key: str, source: Source) -> str:
    plain = "".join(sign if sign.isalnum() or sign in "-_:" else "-" for sign in key)
    fields = [("title", "{" + "".join(_TEX.get(sign, sign) for sign in source.title) + "}")]
    if source.date:
        year, _, rest = source.date.partition("-")
        fields.append(("year", year))
        fields += [("month", str(int(rest[:2])))] if rest[:2].isdigit() else []
    if source.link:
        address = (safe_link(source.link) or source.link).replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
        fields.append(("howpublished", rf"\url{{{address}}}"))
    body = ",\n".join(f"  {name} = {{{text}}}" for name, text in fields)
    return f"@misc{{{plain},\n{body}\n}}\n"
