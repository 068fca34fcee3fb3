"""Writes an evaluation as the Markdown tables of docs/classifier.md. Called by `hotline evaluate`; pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.classify.evaluate import CurvePoint, Evaluation, Figures, ScreenPoint

_COLUMNS = (
    ("messages", "messages"),
    ("code", "code_accuracy"),
    ("dimension", "dimension_accuracy"),
    ("top 3", "top3_accuracy"),
    ("macro F1", "macro_f1"),
    ("restricted recall", "restricted_recall"),
    ("restricted flagged", "restricted_flagged"),
    ("plain matters flagged", "plain_flagged"),
    ("tố cáo precision", "to_cao_precision"),
    ("tố cáo recall", "to_cao_recall"),
    ("urgent precision", "urgent_precision"),
    ("urgent recall", "urgent_recall"),
    ("calibration error", "calibration_error"),
    ("sure", "sure_share"),
    ("right when sure", "sure_accuracy"),
    ("right at 80 % coverage", "surest_accuracy"),
)

_SCREEN = (
    ("closed from", "above"),
    ("recall", "recall"),
    ("flagged", "flagged"),
    ("plain matters flagged", "plain_flagged"),
)


def tables(evaluation: Evaluation, title: str) -> str:
    """Markdown tables under a title: one row per figure, per confusion, and per threshold of the restricted screen."""
    names = [name for name, _ in evaluation.parts]
    lines = [f"## {title}", "", _line(["figure", *names]), _line(["---", *("---:" for _ in names)])]
    for label, attribute in _COLUMNS:
        lines.append(_line([label, *(_cell(figures, attribute) for _, figures in evaluation.parts)]))
    lines += ["", "Commonest confusions:", "", _line(["expected", "given", "messages"]), _line(["---", "---", "---:"])]
    lines += [_line([row.expected, row.given, str(row.messages)]) for row in evaluation.confusions]
    lines += ["", "The restricted screen, as written, were its threshold another:", ""]
    lines += [_line([label for label, _ in _SCREEN]), _line(["---:"] * len(_SCREEN))]
    lines += [_line([_cell(point, attribute) for _, attribute in _SCREEN]) for point in evaluation.screen]
    return "\n".join(lines) + "\n"


def curve(points: Sequence[CurvePoint], title: str) -> str:
    """Markdown table of a learning curve under a title."""
    lines = [f"## {title}", "", _line(["learnt from", "code", "dimension", "top 3"]), _line(["---:"] * 4)]
    for point in points:
        shown = [_cell(point.figures, name) for name in ("code_accuracy", "dimension_accuracy", "top3_accuracy")]
        lines.append(_line([str(point.learnt_from), *shown]))
    return "\n".join(lines) + "\n"


def _cell(figures: Figures | ScreenPoint, attribute: str) -> str:
    value = getattr(figures, attribute)
    return "–" if value is None else str(value) if attribute == "messages" else f"{value:.3f}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
