"""Write deploy/grafana/dashboards/athletes.json from the catalogue of figures.

python deploy/make_grafana.py [--check]      --check writes nothing and fails where the file is not up to date
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from athlete_monitor.catalogue import NUMBERS
from athlete_monitor.dashboard.health import PREFIX

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "deploy" / "grafana" / "dashboards" / "athletes.json"
CURVES: Final = ("heart_rate_bpm", "speed_mps", "trimp", "player_load", "distance_m", "stress_percent")
COLUMNS: Final = (
    "heart_rate_bpm",
    "heart_rate_zone",
    "speed_mps",
    "distance_m",
    "sprints",
    "trimp",
    "player_load",
    "acwr",
)
BOX: Final = {
    "engine_up": ("Engine", "bool_on_off"),
    "engine_online": ("Devices online", "none"),
    "engine_lag_p99_ms": ("Lag, 99 %", "ms"),
    "engine_cpu_percent": ("Engine, one core", "percent"),
    "engine_memory_mb": ("Engine, memory", "decmbytes"),
    "engine_temperature_c": ("Temperature", "celsius"),
}
"""Gauges of the box, with a title and Grafana's unit."""
UNITS: Final = {"m": "lengthm", "m/s": "velocityms", "s": "s", "ms": "ms", "%": "percent", "": "none"}
"""Grafana's names of our units; any other becomes a suffix."""
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
CHOSEN: Final = '{box=~"$box", name=~"$athlete"}'
WIDTH: Final = 24


def unit_of(unit: str) -> str:
    """Return Grafana's unit of one of ours."""
    return UNITS.get(unit, f"suffix: {unit}")


def dashboard() -> dict[str, Any]:
    """Return the whole dashboard."""
    return {
        "uid": "athlete-monitor",
        "title": "Athletes",
        "tags": ["athlete-monitor"],
        "timezone": "browser",
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": list(_variables())},
        "annotations": {"list": []},
        "panels": [_numbered(number, panel) for number, panel in enumerate(_panels(), 1)],
    }


def _numbered(number: int, panel: dict[str, Any]) -> dict[str, Any]:
    return {"id": number, **panel}


def _variables() -> list[dict[str, Any]]:
    known = f"{PREFIX}_athlete_measured_s"
    return [
        {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"},
        _query("box", "Box", f"label_values({known}, box)"),
        _query("athlete", "Athlete", f'label_values({known}{{box=~"$box"}}, name)'),
        {
            "name": "figure",
            "label": "Figure",
            "type": "custom",
            "query": ",".join(NUMBERS),
            "current": {"text": "distance_m", "value": "distance_m"},
            "options": [{"text": key, "value": key, "selected": key == "distance_m"} for key in NUMBERS],
        },
    ]


def _query(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> list[dict[str, Any]]:
    wide = WIDTH // len(BOX)
    panels = [_stat(place * wide, wide, *row) for place, row in enumerate(BOX.items())]
    panels.append(_table(4))
    for place, key in enumerate(CURVES):
        figure = NUMBERS[key]
        panels.append(_curve((12 * (place % 2), 13 + 8 * (place // 2)), figure.label, key, unit_of(figure.unit)))
    return [*panels, _curve((0, 37), "$figure", "$figure", "none", width=WIDTH)]


def _stat(left: int, width: int, key: str, words: tuple[str, str]) -> dict[str, Any]:
    title, unit = words
    return {
        "type": "stat",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": left, "y": 0, "w": width, "h": 4},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}},
        "targets": [_target("A", f"{PREFIX}_{key}")],
    }


def _table(top: int) -> dict[str, Any]:
    """Return the squad as a table: a line for each athlete, a column for each figure."""
    names = {f"Value #{chr(65 + place)}": NUMBERS[key] for place, key in enumerate(COLUMNS)}
    hidden = dict.fromkeys(("Time", "__name__", "job", "instance", "athlete", "device"), True)
    return {
        "type": "table",
        "title": "Squad",
        "datasource": SOURCE,
        "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 9},
        "fieldConfig": {
            "defaults": {},
            "overrides": [_column(field, figure.decimals, unit_of(figure.unit)) for field, figure in names.items()],
        },
        "targets": [
            {
                **_target(chr(65 + place), f"sum by (name, box) ({PREFIX}_athlete_{key}{CHOSEN})"),
                "format": "table",
                "instant": True,
            }
            for place, key in enumerate(COLUMNS)
        ],
        "transformations": [
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": hidden,
                    "renameByName": {field: figure.label for field, figure in names.items()},
                },
            },
        ],
    }


def _column(field: str, decimals: int, unit: str) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": "unit", "value": unit}, {"id": "decimals", "value": decimals}],
    }


def _curve(place: tuple[int, int], title: str, key: str, unit: str, *, width: int = 12) -> dict[str, Any]:
    expression = f"{PREFIX}_athlete_{key}{CHOSEN}"
    if "$" in key:
        expression = f'{{__name__="{PREFIX}_athlete_{key}", box=~"$box", name=~"$athlete"}}'
    return {
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": place[0], "y": place[1], "w": width, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "custom": {"lineWidth": 1, "spanNulls": False}}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "right", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [{**_target("A", expression), "legendFormat": "{{name}}"}],
    }


def _target(name: str, expression: str) -> dict[str, Any]:
    return {"refId": name, "datasource": SOURCE, "expr": expression}


def main() -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"
    if not parser.parse_args().check:
        PAGE.write_text(text, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE.relative_to(ROOT)} is not up to date: python deploy/make_grafana.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
