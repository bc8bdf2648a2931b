"""Knowledge bases: entities and their names in one mapped file."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _call, _check
from newword._arguments import Running
from newword._atomic import replacing
from newword._core import core
from newword.errors import CorpusWarning
from newword.linking._ids import Ids
from newword.linking.entities import (
    MODES,
    SCHEMAS,
    Entity,
    Match,
    MatchArrays,
    match_lists,
    records_of,
)
from newword.linking.name_set import NameSet, strings

if TYPE_CHECKING:
    from newword._newword import KnowledgeBase as CoreKnowledgeBase
    from newword.progress import Progress

__all__ = ["KnowledgeBase", "KnowledgeBaseStatistics"]


@dataclass(frozen=True, slots=True)
class KnowledgeBaseStatistics:
    """The size of a knowledge base."""

    entities: int
    """Entities."""
    names: int
    """Distinct normalized names and aliases."""
    ambiguous_names: int
    """Names of more than one entity."""
    most_candidates: int
    """The largest number of entities with the same name."""
    bytes: int
    """The size of the file."""


class KnowledgeBase:
    """Entities by id and by name, and the matches of their names in texts.

    A knowledge base is a file that is mapped into memory, not read: it opens in milliseconds
    whatever its size, a look-up touches only the bytes it needs, and processes that open the same
    file share its memory. Look-ups and matches release the GIL where they take long. A pickled
    knowledge base is its path.

    Names are compared after normalization: `normalize` returns the key of a name. The name of an
    entity is always one of the names under which it is found.

    Create one with `build`, open it with `open`.

    Examples:
        >>> import pathlib, tempfile
        >>> from newword.linking import Entity, KnowledgeBase
        >>> path = pathlib.Path(tempfile.mkdtemp(), "base.kb")
        >>> base = KnowledgeBase.build([
        ...     Entity("1", "三体", attributes=(("作者", "刘慈欣"),)),
        ...     Entity("2", "《三体》", types=("TV",)),
        ...     Entity("3", "Liu Cixin", aliases=("刘慈欣",)),
        ... ], path)
        >>> base.candidates("三体"), base["3"].name
        (['1', '2'], 'Liu Cixin')
        >>> base.matches("ＬＩＵ　Cixin写了《三体》")
        [Match(start=0, end=9, name='ＬＩＵ\u3000Cixin'), Match(start=12, end=14, name='三体')]
    """

    __slots__ = ("_core", "_path")

    def __init__(self, core: CoreKnowledgeBase, path: str) -> None:
        self._core = core
        self._path = path

    @classmethod
    def build(
        cls,
        source: Any,
        path: str | os.PathLike[str],
        *,
        schema: str = "ccks",
        on_invalid: str = "error",
        strip_brackets: bool = True,
        fold_case: bool = True,
        fold_width: bool = True,
        threads: int | None = None,
        progress: bool | Callable[[Progress], object] | None = None,
    ) -> KnowledgeBase:
        r"""Builds a knowledge base from records and writes it to a file, atomically.

        The records are read once. Descriptions go to a temporary file beside `path` as they are
        read; memory holds only names and ids.

        A record of the schema `"ccks"`, the form of CCKS 2019, is a JSON object with
        `"subject_id"`, `"subject"`, `"alias"` (a list of str), `"type"` (a list of str, or a
        str) and `"data"` (a list of objects with the str `"predicate"` and `"object"`). In the
        schema `"simple"` the members are `"id"`, `"name"`, `"aliases"`, `"types"` and
        `"attributes"` (a list of pairs of str). Only id and name are required. Other members
        and empty aliases are ignored.

        Args:
            source: A path, several paths, or an iterable of records, each a dict or an `Entity`.
                Files have one JSON record per line, in UTF-8; plain, .gz, .zst or .xz. Folders and
                globs stand for their files.
            path: The file to write. An existing file is replaced once the new one is complete.
            schema: `"ccks"` or `"simple"`.
            on_invalid: Handling of records that are not valid or repeat an id: `"error"`, or
                `"skip"`, which warns of their number.
            strip_brackets: Whether a name in brackets or quotation marks (《》, 「」, “” and
                others) is found without them. Only brackets around the whole name are removed.
                White space at both ends is always removed.
            fold_case: Whether upper and lower case are the same.
            fold_width: Whether full-width forms are the same as the ASCII characters.
            threads: Number of threads, all cores if None. The file does not depend on it.
            progress: As for `newword.discover`.

        Returns:
            The knowledge base, opened.

        Raises:
            FormatError: A line is not a valid record, or repeats an id; names file and line.
            InvalidArgumentError: An item is not a valid record, or repeats an id; names the item.
                Or another argument is invalid.
            CorpusError: There are no records.
            MemoryBudgetError: The ids or the names have more than 4 GB.
            OSError: A file cannot be read or written.

        Complexity:
            O(n log n) time for n names. Memory of about 130 bytes for each name and id, whatever
            the size of the descriptions.
        """
        options = {
            **_reading(schema, on_invalid),
            "strip_brackets": _check.flag("strip_brackets", strip_brackets),
            "fold_case": _check.flag("fold_case", fold_case),
            "fold_width": _check.flag("fold_width", fold_width),
        }
        running = Running(threads=threads, memory=None, temp_dir=None, progress=progress)
        name = _check.path("path", path)
        records = records_of(source, schema)
        with replacing(name) as temporary:
            skipped = _call.build_knowledge_base(records, temporary, options, running)
        _warn_of(skipped)
        return cls.open(name)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, verify: bool = False) -> KnowledgeBase:
        """Opens a file that `build` or `add` wrote.

        While it is in use, the file may be replaced or removed, but not modified in place.

        Args:
            path: The file.
            verify: Whether to compare the whole file with its checksums. By default only the
                header is checked; other damage may change results or raise `FormatError`, but
                cannot read outside the file.

        Raises:
            FormatError: The file is not a knowledge base, of another version, truncated or damaged.
            InvalidArgumentError: `path` is not a path or `verify` not a bool.
            OSError: The file cannot be read.

        Complexity:
            Constant; with `verify` linear in the size of the file.
        """
        verify = _check.flag("verify", verify)
        name = _check.path("path", path)
        return cls(core().KnowledgeBase.open(name, verify), os.path.abspath(name))  # noqa: PTH100

    def add(
        self,
        source: Any,
        path: str | os.PathLike[str],
        *,
        schema: str = "ccks",
        on_invalid: str = "error",
        threads: int | None = None,
        progress: bool | Callable[[Progress], object] | None = None,
    ) -> KnowledgeBase:
        """Writes a knowledge base with the entities of this one, followed by those of `source`.

        The file is the same as if all records had been given to one `build`. Names are normalized
        as in this knowledge base. `path` may be the file of this knowledge base, which then keeps
        the old content until it is opened again.

        Arguments and exceptions are those of `build`. An id of this knowledge base is not new.
        """
        options = _reading(schema, on_invalid)
        running = Running(threads=threads, memory=None, temp_dir=None, progress=progress)
        name = _check.path("path", path)
        records = records_of(source, schema)
        with replacing(name) as temporary:
            skipped = _call.add_to_knowledge_base(self._core, records, temporary, options, running)
        _warn_of(skipped)
        return type(self).open(name)

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._path

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits; equal only for files with the same content."""
        return str(self._core.summary()["fingerprint"])

    @property
    def normalization(self) -> dict[str, bool]:
        """The arguments `strip_brackets`, `fold_case` and `fold_width` of `build`."""
        summary = self._core.summary()
        return {name: summary[name] for name in ("strip_brackets", "fold_case", "fold_width")}

    def statistics(self) -> KnowledgeBaseStatistics:
        """Returns the numbers of entities and names, and the size of the file. O(1)."""
        summary = self._core.summary()
        names = KnowledgeBaseStatistics.__slots__
        return KnowledgeBaseStatistics(**{name: summary[name] for name in names})

    @property
    def ids(self) -> Sequence[str]:
        """The ids in the order of the records, as a sequence without a list behind it."""
        return Ids(self._core)

    def index(self, id: str) -> int:  # noqa: A002
        """Returns the position of an id in `ids`. O(1).

        Raises:
            KeyError: There is no such entity.
        """
        number = self._core.find(id) if isinstance(id, str) else None
        if number is None:
            raise KeyError(id)
        return number

    def entity(self, id: str) -> Entity:  # noqa: A002
        """Returns the entity with an id; `base[id]` is the same. O(size of the entity).

        Raises:
            KeyError: There is no such entity.
            FormatError: The file is damaged.
        """
        number, name, aliases, types, attributes = self._core.entity(self.index(id))
        return Entity(number, name, tuple(aliases), tuple(types), tuple(attributes))

    def __getitem__(self, key: str) -> Entity:
        return self.entity(key)

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, key: object) -> bool:
        return key in self.ids

    def __repr__(self) -> str:
        return f"<KnowledgeBase {self._path!r}: {len(self):,} entities>"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).open, (self._path,)

    def normalize(self, name: str) -> str:
        """Returns the key of a name: names with the same key are the same name.

        Case is folded by way of upper case, so "Straße" and "STRASSE" have one key.
        """
        if not isinstance(name, str):
            raise _check.invalid("name", "a str", name)
        return self._core.normalize(name)

    def candidates(self, name: str) -> list[str]:
        """Returns the ids of all entities that have a name or alias, in the order of `ids`.

        Complexity:
            O(length of the name + number of candidates), independent of the number of entities.
        """
        if not isinstance(name, str):
            raise _check.invalid("name", "a str", name)
        return self.candidates_many([name])[0]

    def candidates_many(self, names: Iterable[str]) -> list[list[str]]:
        """Returns the candidates of each name."""
        return self._core.candidates_many(strings("names", names))

    def texts(self, ids: Iterable[str]) -> list[str]:
        """Returns `Entity.text` of each entity, in one call without the GIL.

        Raises:
            InvalidArgumentError: An id is not in the knowledge base.
            FormatError: The file is damaged.
        """
        return self._core.texts(strings("ids", ids))

    def name_set(self, names: Iterable[str]) -> NameSet:
        """Returns the set of those of `names` that are in the knowledge base."""
        return NameSet(self._core, self._core.name_set(strings("names", names)))

    def matches(
        self, text: str, mode: str = "optimal", dictionary: NameSet | Iterable[str] | None = None
    ) -> list[Match]:
        """Returns the names in a text; see `matches_many`."""
        if not isinstance(text, str):
            raise _check.invalid("text", "a str", text)
        return self.matches_many([text], mode, dictionary, threads=1)[0]

    def matches_many(
        self,
        texts: Iterable[str],
        mode: str = "optimal",
        dictionary: NameSet | Iterable[str] | None = None,
        threads: int | None = None,
    ) -> list[list[Match]]:
        """Returns the names in each text, in the order of their starts.

        Texts are normalized by character, as names are. Offsets are those of the original text
        even where a character is normalized to several ("İ", "ß", "ﬁ"), which match only as a
        whole.

        Args:
            texts: The texts.
            mode: `"all"`: every occurrence of every name, also overlapping ones, by start and end.
                `"longest"`: from left to right, the longest name at the first position where one
                starts. `"optimal"`: names that do not overlap and leave the fewest characters
                uncovered; of these the fewest names; of these, compared from the right, the one
                with the longest last piece, where an uncovered character is a piece too.
            dictionary: The names that may match: a `name_set`, or names, which are converted to
                one in each call; None for all.
            threads: Number of threads, all cores if None. The result does not depend on it.

        Returns:
            One list of `Match` per text.

        Raises:
            InvalidArgumentError: An argument is invalid, or `dictionary` is a name set of another
                knowledge base.

        Complexity:
            O(n * length of the longest name) at worst, close to O(n) in practice.

        Source:
            The optimal path is the maximum matching of kexue.fm/archives/6919.
        """
        texts = strings("texts", texts)
        return match_lists(texts, self._matches(texts, mode, dictionary, threads))

    def match_arrays(
        self,
        texts: Iterable[str],
        mode: str = "optimal",
        dictionary: NameSet | Iterable[str] | None = None,
        threads: int | None = None,
    ) -> MatchArrays:
        """Returns the offsets of `matches_many` as arrays, which takes less time and memory."""
        return self._matches(strings("texts", texts), mode, dictionary, threads)

    def _matches(
        self,
        texts: list[str],
        mode: str,
        dictionary: NameSet | Iterable[str] | None,
        threads: int | None,
    ) -> MatchArrays:
        mode = _check.choice("mode", mode, MODES)
        count = _check.thread_count(threads)
        if dictionary is not None and not isinstance(dictionary, NameSet):
            dictionary = self.name_set(strings("dictionary", dictionary))
        names = None if dictionary is None else dictionary.core
        return MatchArrays(*self._core.match_many(texts, mode, names, count))


def _reading(schema: str, on_invalid: str) -> dict[str, Any]:
    """How records are read, as the core takes it."""
    return {
        "schema": _check.choice("schema", schema, SCHEMAS),
        "skip_invalid": _check.choice("on_invalid", on_invalid, ("error", "skip")) == "skip",
    }


def _warn_of(skipped: tuple[int, str]) -> None:
    count, first = skipped
    if count:
        records = "1 invalid record was" if count == 1 else f"{count:,} invalid records were"
        message = f"{records} skipped; the first: {first}"
        # Points at the caller of the public function.
        warnings.warn(message, CorpusWarning, stacklevel=3)
