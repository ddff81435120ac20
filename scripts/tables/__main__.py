"""The tables of the documentation that are made from rows: of the registry, the engines, the prompts, the catalogue.

python -m scripts.tables            exit code 1, and the names that are missing or too many, where a page is out of date
python -m scripts.tables --write    bring the pages up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.tables.pages import PAGES, differences, filled

ROOT = Path(__file__).resolve().parent.parent.parent


def main(arguments: list[str]) -> int:
    found: list[str] = []
    for name in PAGES:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        if arguments == ["--write"]:
            page.write_text(filled(text), encoding="utf-8")
        else:
            found += [f"{name}: {words}" for words in differences(text)]
    if found:
        sys.stderr.write("\n".join([*found, "Run: python -m scripts.tables --write", ""]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
