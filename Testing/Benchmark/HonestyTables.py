"""What the rows of the honesty benchmark say together: the tables, and one picture."""

from pathlib import Path

import numpy as np

_FLOOR_MM = 0.3
_LEAST_COVERED = 0.8
_PICTURE_RANGE_MM = (0.05, 100.0)
_COLORS = {"landmarks": "#0072b2", "refine": "#009e73", "auto": "#d55e00"}


def printTables(rows: list[dict[str, object]]) -> None:
    """Print one Markdown table for DEV and TEST, and the rows that fail."""
    print("| what | DEV | TEST |\n|---|---|---|")
    halves = [[row for row in rows if row["dev"] == isDev] for isDev in (True, False)]
    for title, say in _SAYINGS:
        print(f"| {title} | {' | '.join(say(half) for half in halves)} |")
    _printSmallest(halves)
    failed = [row for row in rows if _fails(row)]
    if failed:
        print("\nConfirmed and more than 2 mm wrong, or outside the bound by more than a half:\n")
    for row in failed:
        print(f"- {_title(row)}: {row['largest']:.2f} mm, bound {row['bound']:.2f}")


def _printSmallest(halves: list[list[dict[str, object]]]) -> None:
    """Print the rows of right input of which the bound covers fewer than four of five targets."""
    print(
        "\nRows of right input with less than 80 % of the targets below the bound, without those of landmarks alone:\n"
    )
    for half in halves:
        for row in _right(half, "refine", "auto"):
            if row.get("covered") is not None and row["covered"] < _LEAST_COVERED:
                print(f"- {_title(row)}: {100 * row['covered']:.0f} %, error {row['error']:.2f} mm, {row['verdict']}")
    print("\nMistakes and wrong images that nothing was said about:\n")
    for row in (row for half in halves for row in half):
        if row["kind"] in ("mistake", "wrong images") and not row["refused"] and row["verdict"] == "confirmed":
            print(f"- {_title(row)}: error {row['error']:.2f} mm")


def _title(row: dict[str, object]) -> str:
    return f"{'DEV' if row['dev'] else 'TEST'} {row['head']}, {row['condition']}, {row['mode']}"


def _right(rows: list[dict[str, object]], *modes: str) -> list[dict[str, object]]:
    """Return the rows of right input that were registered in some of the modes."""
    kinds = ("images", "landmarks")
    return [row for row in rows if not row["refused"] and row["kind"] in kinds and row["mode"] in modes]


def _covered(rows: list[dict[str, object]]) -> str:
    values = [100 * row["covered"] for row in rows if row.get("covered") is not None]
    return f"{np.mean(values):.1f} / {min(values):.0f} % ({len(values)} rows)" if values else "-"


def _boundShare(rows: list[dict[str, object]]) -> str:
    known = [row for row in _right(rows, "landmarks", "refine", "auto") if row.get("bound", 0) > _FLOOR_MM + 0.01]
    return f"{np.median([row['bound'] / row['largest'] for row in known]):.1f} ({len(known)} rows)" if known else "-"


def _refinedErrors(rows: list[dict[str, object]]) -> str:
    errors = [row["error"] for row in _right(rows, "refine") if row["head"].startswith("head") and _isPlain(row)]
    return f"{np.median(errors):.2f} / {max(errors):.2f} mm ({len(errors)} rows)" if errors else "-"


def _isPlain(row: dict[str, object]) -> bool:
    """Return whether a rigid registration can be right at all."""
    return "% in" not in row["condition"] and "sunk" not in row["condition"]


def _worse(rows: list[dict[str, object]]) -> str:
    known = [row for row in _right(rows, "refine") if row.get("landmarksAlone") is not None]
    return f"{sum(row['error'] > row['landmarksAlone'] + 0.05 for row in known)} of {len(known)}"


def _fails(row: dict[str, object]) -> bool:
    if row["refused"] or row["verdict"] != "confirmed" or row.get("bound") is None:
        return False
    return row["largest"] > 1.5 * row["bound"] or (row["error"] > 2 and row["covered"] < 0.8)


def _noticed(kind: str) -> object:
    def say(rows: list[dict[str, object]]) -> str:
        wrong = [row for row in rows if row["kind"] == kind]
        return f"{sum(bool(row['refused']) or row['verdict'] == 'doubtful' for row in wrong)} of {len(wrong)}"

    return say


def _doubted(rows: list[dict[str, object]]) -> str:
    right = [row for row in rows if row["kind"] in ("images", "landmarks") and row["mode"] == "landmarks"]
    return f"{sum(bool(row['refused']) or row['verdict'] == 'doubtful' for row in right)} of {len(right)}"


def _doubtedRefined(rows: list[dict[str, object]]) -> str:
    right = [row for row in rows if row["kind"] in ("images", "landmarks") and row["mode"] != "landmarks"]
    refused = sum(bool(row["refused"]) for row in right)
    doubtful = sum(not row["refused"] and row["verdict"] == "doubtful" for row in right)
    return f"{refused} refused, {doubtful} doubtful of {len(right)}"


def _elastix(rows: list[dict[str, object]]) -> str:
    known = [row for row in _right(rows, "refine") if row.get("elastix") is not None]
    worse = sum(row["error"] > row["elastix"] + 0.05 for row in known)
    seconds = [sum(row[key] for row in known) for key in ("seconds", "elastixSeconds")] if known else [0, 1]
    return f"worse by 0.05 mm in {worse} of {len(known)}, CPU {seconds[0] / seconds[1]:.2f}" if known else "-"


_SAYINGS = (
    ("refined: targets below the 95 % bound, mean / smallest row", lambda rows: _covered(_right(rows, "refine"))),
    ("automatic: the same", lambda rows: _covered(_right(rows, "auto"))),
    ("landmarks alone: the same", lambda rows: _covered(_right(rows, "landmarks"))),
    ("largest bound over largest error, median of the rows above the floor", _boundShare),
    ("refined error on simulated heads, median / largest", _refinedErrors),
    ("refined worse than the landmarks by more than 0.05 mm", _worse),
    ("confirmed though wrong", lambda rows: f"{sum(map(_fails, rows))} of {len(rows)}"),
    ("consistent mistakes of landmarks noticed", _noticed("mistake")),
    ("right lists doubted or refused, landmarks alone", _doubted),
    ("right input refused or doubted, refined and automatic", _doubtedRefined),
    ("wrong images noticed", _noticed("wrong images")),
    ("against itk-elastix", _elastix),
)


def drawPicture(rows: list[dict[str, object]], path: Path) -> None:
    """Draw the true error of every row against the expected one, with the line of the 95 % bound, as SVG."""
    low, high = np.log10(_PICTURE_RANGE_MM)
    size, margin = 560, 60

    def place(value: float) -> float:
        return float((np.log10(np.clip(value, *_PICTURE_RANGE_MM)) - low) / (high - low) * size)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 2 * margin}" height="{size + 2 * margin}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="100%" fill="white"/><g transform="translate({margin},{margin})">',
    ]
    for tick in (0.1, 0.3, 1, 3, 10, 30, 100):
        at = place(tick)
        parts.append(
            f'<path d="M{at:.1f} 0V{size}M0 {size - at:.1f}H{size}" stroke="#ddd"/>'
            f'<text x="{at:.1f}" y="{size + 18}" text-anchor="middle">{tick:g}</text>'
            f'<text x="-8" y="{size - at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    for ratio, dash, name in ((1.0, "", "expected"), (1.614, "6 4", "95 % bound")):
        start, end = _PICTURE_RANGE_MM[0] * ratio, _PICTURE_RANGE_MM[1] / ratio
        parts.append(
            f'<path d="M0 {size - place(start):.1f}L{place(end):.1f} 0" stroke="#444" stroke-dasharray="{dash}"/>'
            f'<text x="{place(end) - 8:.1f}" y="{-8 if ratio > 1 else 14}" text-anchor="end">{name}</text>'
        )
    for row in rows:
        if row["refused"] or row.get("expected") is None:
            continue
        x, y, color = place(row["expected"]), size - place(row["error"]), _COLORS[row["mode"]]
        fill = color if row["verdict"] == "confirmed" else "none"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{fill}" stroke="{color}" fill-opacity=".6"/>')
    for number, (mode, color) in enumerate(_COLORS.items()):
        parts.append(
            f'<circle cx="{size - 130}" cy="{size - 60 + 18 * number}" r="4" fill="{color}"/>'
            f'<text x="{size - 120}" y="{size - 56 + 18 * number}">{mode}</text>'
        )
    parts.append(
        f'<text x="{size / 2}" y="{size + 42}" text-anchor="middle">expected error (mm), RMS over the targets; '
        "hollow: doubtful</text>"
        f'<text transform="translate(-42,{size / 2})rotate(-90)" text-anchor="middle">true error (mm)</text></g></svg>'
    )
    path.write_text("\n".join(parts))
