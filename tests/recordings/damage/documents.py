"""Damage to JSON and XML that leaves them documents: values, keys, elements, their order and their encoding."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

from tests.recordings.damage import spices

if TYPE_CHECKING:
    import random

_KEY = re.compile(r'"[^"\\]{1,40}":')
_LEAF = re.compile(r">([^<>]{1,200})</")
_ATTRIBUTE = re.compile(r'="([^"<>]{0,200})"')
_OPENED = re.compile(r"<([A-Za-z_][\w:.-]*)[^<>]*(?<!/)>")
_NAME = re.compile(r"</?([A-Za-z_][\w:.-]*)")
_ENTITIES = ("&amp;", "&#0;", "&#x110000;", "&#xD800;", "&unknown;", "&", "<![CDATA[ 7 ]]>", "<!-- 7 -->", "<?x 7?>")


def damaged_json(content: bytes, chance: random.Random) -> bytes:
    """Return valid JSON with one to four changes; now and then with a key twice, or in another encoding."""
    document = json.loads(content)
    for _ in range(chance.randint(1, 4)):
        _another(document, chance)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.7)
    keys = _KEY.findall(text) if chance.random() < 0.1 else []
    if keys:
        key = chance.choice(keys)
        text = text.replace(key, f"{key}{json.dumps(chance.choice(spices.OBJECTS))},{key}", chance.choice((1, -1)))
    encoding = chance.choice(("utf-8-sig", "utf-16", "utf-32", "latin-1")) if chance.random() < 0.05 else "utf-8"
    return text.encode(encoding, "replace")


def _another(document: Any, chance: random.Random) -> None:
    """Change something in an object or a list: a value, a key, the order, the number."""
    keys = list(document) if isinstance(document, dict) else list(range(len(document)))
    if not keys:
        return
    key = chance.choice(keys)
    if isinstance(document[key], dict | list) and chance.random() < 0.85:
        _another(document[key], chance)
    elif isinstance(document, list) and chance.random() < 0.4:
        _reordered(document, chance)
    elif chance.random() < 0.15:
        del document[key]
    elif isinstance(document, dict) and chance.random() < 0.2:
        document[chance.choice((*keys, str(key).upper(), "x"))] = document.pop(key)
    else:
        document[key] = _value(chance)


def _value(chance: random.Random) -> Any:
    chosen = chance.choice((spices.OBJECTS, spices.OBJECTS, spices.NUMBERS, spices.DATES, spices.TEXTS))
    return copy.deepcopy(chance.choice(chosen))


def _reordered(items: list[Any], chance: random.Random) -> None:
    match chance.randrange(4):
        case 0:
            items.reverse()
        case 1:
            chance.shuffle(items)
        case 2:
            items.extend(copy.deepcopy(items[: chance.choice((1, 5, 500))]))
        case _:
            del items[chance.randrange(len(items)) :]


def damaged_xml(content: bytes, chance: random.Random) -> bytes:
    """Return XML with one to four changes; now and then in another encoding."""
    text = content.decode("utf-8", "replace")
    for _ in range(chance.randint(1, 4)):
        text = chance.choice(_CHANGES)(text, chance)
    if chance.random() < 0.06:
        encoding = chance.choice(("utf-16", "utf-8-sig", "latin-1", "utf-32"))
        declared = chance.choice(("UTF-8", "UTF-16", "ISO-8859-1", "windows-1252", "x-unknown", encoding))
        return re.sub('encoding="[^"]*"', f'encoding="{declared}"', text, count=1).encode(encoding, "replace")
    return text.encode("utf-8", "replace")


def _one_of(pattern: re.Pattern[str], text: str, chance: random.Random) -> re.Match[str] | None:
    """Return a match after a random place, else the first one."""
    return pattern.search(text, chance.randrange(len(text) + 1)) or pattern.search(text)


def _a_text(text: str, chance: random.Random) -> str:
    """Replace the text of an element, or the value of an attribute; perhaps everywhere."""
    found = _one_of(chance.choice((_LEAF, _ATTRIBUTE)), text, chance)
    if not found:
        return text
    new = chance.choice(chance.choice((spices.NUMBERS, spices.DATES, spices.TEXTS, _ENTITIES)))
    if chance.random() < 0.2:
        return text.replace(found[0], found[0].replace(found[1], new))
    return text[: found.start(1)] + new + text[found.end(1) :]


def _an_element(text: str, chance: random.Random) -> str:
    """Repeat, remove, move or empty an element with all that is in it."""
    found = _one_of(_OPENED, text, chance)
    end = text.find(f"</{found[1]}>", found.end()) if found else -1
    if not found or end < 0:
        return text
    end += len(found[1]) + 3
    whole, rest = text[found.start() : end], text[: found.start()] + text[end:]
    match chance.randrange(5):
        case 0:
            return text[:end] + whole * chance.choice((1, 3, 100)) + text[end:]
        case 1:
            return rest
        case 2:
            at = rest.find("<", chance.randrange(len(rest) + 1))
            return rest[:at] + whole + rest[at:]
        case 3:
            return text[: found.end()] + text[end - len(found[1]) - 3 :]
        case _:
            return text[: found.start()] + f"<x>{whole}</x>" + text[end:]


def _a_name(text: str, chance: random.Random) -> str:
    """Give an element another name or prefix, everywhere or once."""
    found = _one_of(_NAME, text, chance)
    if not found:
        return text
    names = [match[1] for match in _NAME.finditer(text[:20_000])]
    new = chance.choice((f"ns:{found[1]}", found[1].upper(), found[1].lower(), chance.choice(names), "x"))
    if chance.random() < 0.5:
        return re.sub(rf"(</?){re.escape(found[1])}\b", rf"\g<1>{new}", text)
    return text[: found.start(1)] + new + text[found.end(1) :]


def _an_insert(text: str, chance: random.Random) -> str:
    at = text.find("<", chance.randrange(len(text) + 1))
    return text[:at] + chance.choice((*_ENTITIES, "<x/>", "<extensions><a/></extensions>", "  \n")) + text[at:]


_CHANGES = (_a_text, _a_text, _a_text, _an_element, _an_element, _a_name, _an_insert)
