"""A slow twin of the knowledge base: names in a dict, all parts of a text and all paths tried."""

from __future__ import annotations

from newword.linking import Entity, Match

PAIRS = ("《》", "〈〉", "「」", "『』", "【】", "〔〕", "〖〗", "〘〙", "“”", "‘’", "﹁﹂", "﹃﹄")
BRACKETS = {pair[0]: pair[1] for pair in PAIRS}
HALF_WIDTH = {"\u3000": " ", **dict(zip("￠￡￢￣￤￥￦", "¢£¬¯¦¥₩", strict=True))}


def folded(character: str, case: bool = True, width: bool = True) -> str:
    if width:
        if "！" <= character <= "～":
            character = chr(ord(character) - 0xFEE0)
        character = HALF_WIDTH.get(character, character)
    if case:
        upper = "".join(one.upper() for one in character.lower())
        character = "".join(one.lower() for one in upper)
    return character


def unwrapped(name: str) -> str | None:
    """What is in the brackets around a whole name."""
    name = name.strip()
    close = BRACKETS.get(name[:1])
    if close is None or len(name) < 2 or name[-1] != close:
        return None
    depth = 0
    for at, character in enumerate(name):
        depth += (character == name[0]) - (character == close)
        if depth == 0:
            return name[1:-1].strip() or None if at == len(name) - 1 else None
    return None


def key_of(name: str, brackets: bool = True, case: bool = True, width: bool = True) -> str:
    name = name.strip()
    while brackets and (inner := unwrapped(name)) is not None:
        name = inner
    return "".join(folded(one, case, width) for one in name)


def slow_candidates(entities: list[Entity], name: str) -> list[str]:
    keys = {one.id: {key_of(alias) for alias in (one.name, *one.aliases)} for one in entities}
    return [one_id for one_id in keys if key_of(name) in keys[one_id]]


def slow_matches(keys: set[str], text: str, mode: str) -> list[Match]:
    forms = [*map(folded, text)]
    longest = max(map(len, keys), default=0)
    found = [
        Match(start, end, text[start:end])
        for start in range(len(text))
        for end in range(start + 1, min(len(text), start + longest) + 1)
        if "".join(forms[start:end]) in keys
    ]
    if mode == "all":
        return found
    if mode == "longest":
        chosen: list[Match] = []
        for one in sorted(found, key=lambda match: (match.start, -match.end)):
            if not chosen or one.start >= chosen[-1].end:
                chosen.append(one)
        return chosen
    best: list[tuple[int, int, list[Match]]] = [(0, 0, [])]
    for end in range(1, len(text) + 1):
        ways = [
            (best[one.start][0], best[one.start][1] + 1, [*best[one.start][2], one])
            for one in found
            if one.end == end
        ]
        ways.append((best[end - 1][0] + 1, *best[end - 1][1:]))
        # The first of those that tie: the one with the longest last name.
        best.append(min(ways, key=lambda way: way[:2]))
    return best[-1][2]
