"""Arguments and options shared by several commands: names, help texts, panels."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

WORDS = "Method and thresholds"
READING = "Input"
ALPHABET = "Alphabet"
RUNNING = "Execution"
RESULT = "Output"

Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, globs, or - for standard input: text, JSON lines, CSV, TSV or "
        "Parquet; plain, .gz, .zst or .xz.",
        show_default=False,
    ),
]
LineFiles: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(help="Text files, plain, .gz or .xz. Default: standard input."),
]
LinesOutput: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Output file. Default: standard output."),
]
Lexicon: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--lexicon",
        "-l",
        help="A lexicon in any format, a jieba dictionary, a word list or a compiled .seg file.",
    ),
]

Order: TypeAlias = Annotated[
    int, typer.Option(help="Length of the longest n-grams counted, 2 to 8.", rich_help_panel=WORDS)
]
MinCount: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Minimum count of a word. Default: chosen by the size of the corpus.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
Method: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="combined: segment by autonomy and add long chains; chain: join overlapping strong "
        "n-grams; entropy: cohesion and branching entropy; bigram: join cohesive neighbours; "
        "autonomy: normalised branching entropy.  [default: combined; chain for count files and "
        "--counts kenlm]",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
MinPmi: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Minimum cohesion in nats: one number, or one for each length from 1, such as "
        "0,2,4,6.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
MinEntropy: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="Minimum of the left and right branching entropy in nats.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
MaxLength: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Maximum length of a word in characters.", rich_help_panel=WORDS, show_default=False
    ),
]
Counts: TypeAlias = Annotated[
    str,
    typer.Option(
        help="exact; kenlm: the biased counts of the published script.",
        rich_help_panel=WORDS,
    ),
]
EdgeStops: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Characters that no word may begin or end with, such as 的了.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
Known: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Known words: a lexicon, a jieba dictionary or a word list.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
DropKnown: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--drop-known", help="Drop known words instead of marking them.", rich_help_panel=WORDS
    ),
]

Format: TypeAlias = Annotated[
    str,
    typer.Option(
        help="text, jsonl, csv, tsv or parquet; auto: by the extension.",
        rich_help_panel=READING,
    ),
]
Field: TypeAlias = Annotated[
    str,
    typer.Option(help="The JSON key or the column of the text.", rich_help_panel=READING),
]
Encoding: TypeAlias = Annotated[
    str,
    typer.Option(help="Text encoding, such as utf-8, gb18030, big5.", rich_help_panel=READING),
]
Errors: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Handling of invalid bytes. strict: raise an error; replace: by U+FFFD; "
        "skip: the line.",
        rich_help_panel=READING,
    ),
]
StripHtml: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strip-html",
        help="Remove tags, URLs and e-mail addresses, and decode entities.",
        rich_help_panel=READING,
    ),
]
DropDuplicates: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--drop-duplicates",
        help="Skip lines or records that are equal to an earlier one.",
        rich_help_panel=READING,
    ),
]

Letters: TypeAlias = Annotated[
    str,
    typer.Option(
        help="How a run of letters counts. unit: one symbol; characters: one symbol each; "
        "break: a break.",
        rich_help_panel=ALPHABET,
    ),
]
Digits: TypeAlias = Annotated[
    str, typer.Option(help="The same for runs of digits.", rich_help_panel=ALPHABET)
]
Nfkc: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--nfkc", help="Normalize text with NFKC before counting.", rich_help_panel=ALPHABET
    ),
]
SkipVariationSelectors: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-variation-selectors",
        help="Ignore variation selectors.",
        rich_help_panel=ALPHABET,
    ),
]

Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="Number of threads. Default: all cores.", rich_help_panel=RUNNING, show_default=False
    ),
]
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--memory",
        "-S",
        help="Memory limit, such as 2GB. Default: half of the free memory.",
        rich_help_panel=RUNNING,
        show_default=False,
    ),
]
TempDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--temp-dir",
        "-T",
        help="Directory for spill files.",
        rich_help_panel=RUNNING,
        show_default=False,
    ),
]
Spark: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--spark",
        metavar="MASTER",
        help="Run on an Apache Spark cluster: its master, such as local[4] or spark://HOST:7077. "
        "Reads UTF-8 files of all formats, plain or .gz.",
        rich_help_panel=RUNNING,
        show_default=False,
    ),
]
Quiet: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="No progress and no summary on stderr.", rich_help_panel=RUNNING
    ),
]
Traceback: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--traceback", help="Show the Python traceback of an error.", rich_help_panel=RUNNING
    ),
]

Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Output file: .tsv, .csv, .jsonl, .parquet, .txt or .dict (jieba). "
        "Default: a table on a terminal, TSV into a pipe.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
To: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Output format. Default: by the extension. Also jieba or words.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
Top: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--top",
        "-n",
        min=0,
        help="Only the first N words.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
Sort: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Sort by this column, descending.", rich_help_panel=RESULT, show_default=False
    ),
]
New: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--new",
        help="Only words that are not known: no numbers, quantities or phrases.",
        rich_help_panel=RESULT,
    ),
]
Json: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--json", help="Print a summary as JSON to standard output.", rich_help_panel=RESULT
    ),
]
Rejected: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write the rejected candidates with the reasons to this file.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
