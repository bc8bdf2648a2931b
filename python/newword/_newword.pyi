"""The compiled core, an internal interface; use `newword` instead.

A source is a dictionary with the keys `kind` ("paths", "texts" or "arrow"), `data` (a list of
paths and globs, an iterable of str, or an object with `__arrow_c_stream__`), `format`, `field`,
`encoding` and `errors`. A job is a dictionary with the keys `threads`, `memory`, `temp_dir` and
`progress`, a function of stage, units done and total units. `newword._call` creates both.
"""

from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from typing import Any, TypeAlias, TypedDict, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BeamSearch",
    "BidirectionalBeamSearch",
    "CountRows",
    "EncodedText",
    "GroupFiles",
    "KnowledgeBase",
    "NameSet",
    "Pass",
    "RemoteCounts",
    "Sampler",
    "Segmenter",
    "Sums",
    "TokenTrie",
    "Words",
    "__version__",
    "alphabet_name",
    "available_memory",
    "beam_search",
    "build_profile",
    "count_file_summary",
    "count_ngrams",
    "count_words",
    "discover",
    "k_best",
    "local_emissions",
    "log_partition",
    "marginals",
    "memory_bytes",
    "merge_counts",
    "merge_for_sums",
    "needed_counts",
    "path_score",
    "posterior_decode",
    "read_dictionary",
    "right_sums",
    "sample_paths",
    "score_counts",
    "shares",
    "train_segmenter",
    "viterbi",
    "write_columns",
]

__version__: str

def build_profile() -> str: ...

class _Source(TypedDict):
    kind: str
    data: Any
    format: str
    field: str
    encoding: str
    errors: str

class _Job(TypedDict):
    threads: int | None
    memory: str | None
    temp_dir: str | None
    progress: Callable[[str, int, int], object] | None

class _Discovery(TypedDict):
    columns: dict[str, Any]
    summary: dict[str, Any]
    rejected: dict[str, Any] | None

def discover(source: _Source, options: dict[str, Any], job: _Job) -> _Discovery: ...
def count_ngrams(
    source: _Source, output: str, options: dict[str, Any], job: _Job
) -> dict[str, Any]: ...
def merge_counts(paths: Sequence[str], output: str, job: _Job) -> dict[str, Any]: ...
def count_file_summary(path: str) -> dict[str, Any]: ...
def merge_for_sums(paths: Sequence[str], output: str, job: _Job) -> None: ...
def alphabet_name(options: dict[str, Any]) -> str: ...
def memory_bytes(memory: str) -> int: ...
def available_memory() -> int: ...
def write_columns(
    offsets: NDArray[np.int32],
    text: bytes,
    counts: NDArray[np.int64],
    order: int,
    alphabet: str,
    path: str,
) -> None: ...

_Columns: TypeAlias = tuple[
    NDArray[np.int32], NDArray[np.uint8], NDArray[np.int8], NDArray[np.int64]
]

@final
class EncodedText:
    def __new__(cls, source: _Source, options: dict[str, Any], job: _Job) -> EncodedText: ...
    @staticmethod
    def from_bytes(data: bytes) -> EncodedText: ...
    def to_bytes(self) -> bytes: ...
    def total(self) -> int: ...
    def report(self) -> dict[str, int]: ...
    def count_groups(self, options: dict[str, Any], job: _Job) -> GroupFiles: ...

@final
class GroupFiles:
    # The number of a group that has n-grams, and its count file.
    def next(self) -> tuple[int, bytes] | None: ...

@final
class CountRows:
    def __new__(cls, path: str) -> CountRows: ...
    # Offsets of the n-grams, their text, their numbers of symbols, their counts.
    def next(self, rows: int) -> _Columns | None: ...

# Order, smallest count, and from how many symbols on all numbers are one neighbour.
_Needed: TypeAlias = tuple[int, int, int]

def needed_counts(options: dict[str, Any], total: int) -> _Needed: ...

# N-grams that are kept, for RemoteCounts.
def right_sums(path: str, order: int, min_count: int, numbers_from: int) -> bytes: ...

# Groups of keys, and sums of some of their keys.
_Pieces: TypeAlias = list[tuple[int, bytes]]

def shares(path: str, request: bytes, groups: int) -> _Pieces: ...

@final
class Sums:
    def __new__(cls) -> Sums: ...
    def add(self, data: bytes) -> None: ...
    # Without those of words that occur fewer than `min_count` times.
    def pieces(self, min_count: int) -> list[bytes]: ...

@final
class RemoteCounts:
    def __new__(cls, found: bytes, needed: _Needed) -> RemoteCounts: ...
    def request(self) -> bytes: ...
    def add(self, data: bytes) -> None: ...
    # `passes`: a request and the smallest count of a word to sums end to end.
    def discover(
        self, options: dict[str, Any], job: _Job, passes: Callable[[bytes, int], bytes]
    ) -> _Discovery: ...

@final
class Pass:
    def __new__(cls, request: bytes) -> Pass: ...
    def run(self, text: EncodedText, groups: int, job: _Job) -> _Pieces: ...

def score_counts(path: str, options: dict[str, Any], job: _Job) -> _Discovery: ...
def train_segmenter(source: _Source, options: dict[str, Any], job: _Job) -> Segmenter: ...
def count_words(
    source: _Source, words: Sequence[str], options: dict[str, Any], job: _Job
) -> tuple[NDArray[np.uint64], int]: ...

# Emissions, transitions or their left factor, the right factor, start, end, lengths, mask, allowed
# and the normalization.
_Problem = tuple[
    NDArray[Any],
    NDArray[Any] | None,
    NDArray[Any] | None,
    NDArray[Any] | None,
    NDArray[Any] | None,
    NDArray[np.int64] | None,
    NDArray[np.bool_] | None,
    NDArray[np.bool_] | None,
    str,
]
_Found = tuple[NDArray[np.int32], NDArray[Any]]

def viterbi(
    arguments: _Problem, second_order: NDArray[Any] | None, threads: int | None
) -> _Found: ...
def beam_search(arguments: _Problem, beam_size: int, threads: int | None) -> _Found: ...
def posterior_decode(arguments: _Problem, threads: int | None) -> _Found: ...
def k_best(arguments: _Problem, k: int, threads: int | None) -> _Found: ...
def log_partition(arguments: _Problem, threads: int | None) -> NDArray[np.float64]: ...
def marginals(arguments: _Problem, threads: int | None) -> NDArray[Any]: ...
def path_score(
    arguments: _Problem, paths: NDArray[np.int32], threads: int | None
) -> NDArray[Any]: ...
def sample_paths(
    arguments: _Problem, count: int, seed: int, threads: int | None
) -> NDArray[np.int32]: ...
def local_emissions(arguments: _Problem, halved: bool, threads: int | None) -> NDArray[Any]: ...

@final
class Words:
    def __new__(cls, text: str, lengths: NDArray[np.int64]) -> Words: ...
    def __len__(self) -> int: ...
    def strings(self) -> list[str]: ...

def read_dictionary(data: bytes) -> tuple[Words, NDArray[np.uint64], NDArray[np.int32]]: ...

@final
class Segmenter:
    def __new__(cls, words: Words, counts: NDArray[np.uint64]) -> Segmenter: ...
    @staticmethod
    def open(path: str | PathLike[str], verify: bool) -> Segmenter: ...
    def save(self, path: str | PathLike[str]) -> None: ...
    def segment(self, text: str) -> list[str]: ...
    def segment_many(self, texts: Sequence[str], threads: int | None) -> list[list[str]]: ...

# How a base is built, and its records: "paths" and a list of them, or "items" and JSON objects.
class _BaseOptions(TypedDict):
    schema: str
    skip_invalid: bool
    strip_brackets: bool
    fold_case: bool
    fold_width: bool

_Records = tuple[str, Iterable[str]]
# The fields of `newword.linking.Entity`.
_EntityFields = tuple[str, str, list[str], list[str], list[tuple[str, str]]]

@final
class NameSet:
    def __len__(self) -> int: ...

@final
class KnowledgeBase:
    @staticmethod
    def build(
        records: _Records, path: str | PathLike[str], options: _BaseOptions, job: _Job
    ) -> tuple[int, str | None]: ...
    def add(
        self,
        records: _Records,
        path: str | PathLike[str],
        schema: str,
        skip_invalid: bool,
        job: _Job,
    ) -> tuple[int, str | None]: ...
    @staticmethod
    def open(path: str | PathLike[str], verify: bool) -> KnowledgeBase: ...
    def __len__(self) -> int: ...
    def summary(self) -> dict[str, Any]: ...
    def find(self, id: str) -> int | None: ...  # noqa: A002
    def ids(self, start: int, end: int) -> list[str]: ...
    def entity(self, number: int) -> _EntityFields: ...
    def texts(self, ids: Sequence[str]) -> list[str]: ...
    def candidates_many(self, names: Sequence[str]) -> list[list[str]]: ...
    def normalize(self, name: str) -> str: ...
    def name_set(self, names: Sequence[str]) -> NameSet: ...
    def complement(self, names: NameSet) -> NameSet: ...
    def contains(self, names: NameSet, name: str) -> bool: ...
    def match_many(
        self, texts: Sequence[str], mode: str, names: NameSet | None, threads: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...

@final
class TokenTrie:
    def __new__(cls, tokens: NDArray[np.int32], lengths: NDArray[np.int64]) -> TokenTrie: ...
    def __len__(self) -> int: ...
    def nodes(self) -> int: ...

# The options of `newword.beam`, as `newword.beam._options` creates them.
class _Limits(TypedDict):
    end_tokens: list[int]
    pad_token: int
    max_length: list[int]
    min_length: list[int]
    force_end: bool
    no_repeat_ngram: int
    forbidden: list[int]
    prefixes: list[list[int]]
    allowed: list[TokenTrie | None]

class _Ranking(TypedDict):
    n_best: int
    length_penalty: str
    alpha: float
    count_end: bool
    early_stopping: bool

# Parents and tokens; tokens by row; the fields of `newword.beam.Hypothesis`; ids by row.
_Rows = tuple[NDArray[np.int32], NDArray[np.int32]]
_Tokens = list[NDArray[np.int32] | None]
_Fields = tuple[NDArray[np.int32], float, float, NDArray[np.float64], bool, int, bool]
_Allowed = Sequence[NDArray[np.int32] | None] | None

@final
class BeamSearch:
    def __new__(
        cls,
        batch: int,
        beams: int,
        groups: int,
        diversity: float,
        ranking: _Ranking,
        limits: _Limits,
    ) -> BeamSearch: ...
    def step(
        self, scores: NDArray[Any], kind: str, allowed: _Allowed, threads: int | None
    ) -> _Rows: ...
    def finished(self) -> list[bool]: ...
    def steps(self) -> int: ...
    def live(self) -> _Tokens: ...
    def results(self) -> list[list[_Fields]]: ...

@final
class Sampler:
    def __new__(
        cls,
        batch: int,
        samples: int,
        temperature: float,
        top_k: int,
        top_p: float,
        seed: int,
        limits: _Limits,
    ) -> Sampler: ...
    def step(
        self, logits: NDArray[Any], kind: str, allowed: _Allowed, threads: int | None
    ) -> _Rows: ...
    def finished(self) -> list[bool]: ...
    def steps(self) -> int: ...
    def live(self) -> _Tokens: ...
    def results(self) -> list[list[_Fields]]: ...

@final
class BidirectionalBeamSearch:
    def __new__(
        cls,
        batch: int,
        beams: int,
        mode: str,
        ranking: _Ranking,
        forward: _Limits,
        backward: _Limits,
    ) -> BidirectionalBeamSearch: ...
    def step(
        self, forward: NDArray[Any], backward: NDArray[Any], kind: str, threads: int | None
    ) -> tuple[_Rows, _Rows]: ...
    def finished(self) -> list[bool]: ...
    def steps(self) -> int: ...
    def results(self) -> list[list[_Fields]]: ...
