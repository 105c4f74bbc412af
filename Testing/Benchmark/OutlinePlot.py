"""Dice per case as dots, each way of pointing beside its peer, as a small SVG."""

from collections import defaultdict
from pathlib import Path

import numpy as np

COLORS = {"line": "#0b4f9c", "sloppy": "#5b8fd0", "click": "#0b7d5b", "automatic": "#8a5a00", "grow": "#777777"}
NAMES = {"line": "line", "sloppy": "sloppy line", "click": "click", "automatic": "automatic", "grow": "grow from seeds"}
GROUPS = {
    ("whole", "WT"): "FLAIR, whole heads",
    ("stripped", "WT"): "FLAIR, skull-stripped",
    ("stripped", "TC"): "core on T1c",
}
COLUMN, HEIGHT, LEFT, TOP, BOTTOM, GAP = 62, 260, 44, 34, 58, 26


def drawDicePerCase(rows: list[dict[str, object]], path: Path) -> None:
    """Write the picture; a dot is the mean of a case over its repetitions, a bar the mean of all cases."""
    found: dict[tuple[str, str], dict[str, dict[str, list[float]]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        found[row["kind"], row["target"]][row["way"]].setdefault(row["case"], []).append(row["dice"])
    parts, x = [], LEFT
    for group, title in GROUPS.items():
        ways = [way for way in COLORS if way in found.get(group, {})]
        if not ways:
            continue
        width = COLUMN * len(ways)
        parts.append(_frame(x, width, title, isFirst=x == LEFT))
        for number, way in enumerate(ways):
            means = {case: float(np.mean(values)) for case, values in found[group][way].items()}
            parts.append(_column(x + (number + 0.5) * COLUMN, NAMES[way], COLORS[way], means))
        x += width + GAP
    total = x - GAP + 8
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{TOP + HEIGHT + BOTTOM}" role="img" '
        'aria-label="Dice of each case as a dot, by images and way of pointing" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n',
        encoding="utf-8",
    )


def _y(dice: float) -> float:
    return round(TOP + HEIGHT * (1 - dice), 1)


def _frame(x: float, width: float, title: str, isFirst: bool) -> str:
    lines = "".join(
        f'<path d="M{x} {_y(dice)}h{width}" stroke="#ddd"/>'
        + (f'<text x="{x - 6}" y="{_y(dice) + 4}" text-anchor="end">{dice:.1f}</text>' if isFirst else "")
        for dice in np.arange(0, 1.01, 0.2)
    )
    name = f'<text transform="translate(12,{TOP + HEIGHT / 2})rotate(-90)" text-anchor="middle">Dice</text>' * isFirst
    return lines + name + f'<text x="{x + width / 2}" y="20" text-anchor="middle" font-weight="bold">{title}</text>'


def _column(x: float, name: str, color: str, means: dict[str, float]) -> str:
    """Return the dots of one way, a case at the same place in every column, with their mean as a bar."""
    cases = sorted(means)
    spread = np.linspace(-0.3, 0.3, len(cases)) * COLUMN if len(cases) > 1 else [0.0]
    dots = "".join(
        f'<circle cx="{x + away:.1f}" cy="{_y(means[case])}" r="3" fill="{color}" fill-opacity=".6"/>'
        for case, away in zip(cases, spread, strict=True)
    )
    mean = float(np.mean(list(means.values())))
    words = name.split(" ", 1)
    label = "".join(
        f'<text x="{x}" y="{TOP + HEIGHT + 18 + 14 * line}" text-anchor="middle">{word}</text>'
        for line, word in enumerate((*words, f"{mean:.2f}"))
    )
    half = 0.42 * COLUMN
    return dots + f'<path d="M{x - half} {_y(mean)}h{2 * half}" stroke="{color}" stroke-width="2"/>' + label
