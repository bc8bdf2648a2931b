"""Some entities with names of all kinds, and their records."""

from __future__ import annotations

from typing import Any

from newword.linking import Entity

SAMPLE = [
    Entity("10", "三体", ("The Three-Body Problem", "三体 小说"), ("Work",), (("作者", "刘慈欣"),)),
    Entity("11", "《三体》", (), ("TV",), (("导演", "Yang Lei"), ("集数", ""))),
    Entity("7", "刘慈欣", ("LIU Cixin", "大刘")),
    Entity("x-é", "İstanbul", ("Straße",)),
]


def ccks(entity: Entity) -> dict[str, Any]:
    data = [{"predicate": name, "object": value} for name, value in entity.attributes]
    return {
        "subject_id": entity.id,
        "subject": entity.name,
        "alias": list(entity.aliases),
        "type": list(entity.types),
        "data": data,
        "source": "test",
    }
