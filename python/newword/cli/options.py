"""Arguments and options that several commands share: names, help texts, panels."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

WORDS = "What makes a word"
READING = "Reading"
ALPHABET = "Alphabet"
RUNNING = "Running"
RESULT = "Result"

Files: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        help="Files, folders, globs, or - for standard input: text, JSON lines or Parquet; "
        "plain, .gz, .zst or .xz.",
        show_default=False,
    ),
]
Lexicon: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--lexicon", "-l", help="The words: a lexicon of any format, a jieba dictionary, a list."
    ),
]

Order: TypeAlias = Annotated[
    int, typer.Option(help="The longest n-grams counted, 2 to 8.", rich_help_panel=WORDS)
]
MinCount: TypeAlias = Annotated[
    int | None,
    typer.Option(
        help="The least occurrences of a word. Chosen from the corpus where left out.",
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
        help="The least cohesion in nats: one number, or one a length from 1, as 0,2,4,6.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
MinEntropy: TypeAlias = Annotated[
    float | None,
    typer.Option(
        help="The least of left and right branching entropy in nats.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
MaxLength: TypeAlias = Annotated[
    int | None,
    typer.Option(help="The longest word in characters.", rich_help_panel=WORDS, show_default=False),
]
Counts: TypeAlias = Annotated[
    str,
    typer.Option(
        help="exact, or kenlm for the biased counts of the published script.",
        rich_help_panel=WORDS,
    ),
]
EdgeStops: TypeAlias = Annotated[
    str,
    typer.Option(
        help="Characters a word neither begins nor ends with, as 的了.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
Known: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Words that are known: a lexicon, a jieba dictionary or a word list.",
        rich_help_panel=WORDS,
        show_default=False,
    ),
]
DropKnown: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--drop-known", help="Leave known words out instead of marking them.", rich_help_panel=WORDS
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
    typer.Option(help="The JSON key or the column that holds the text.", rich_help_panel=READING),
]
Encoding: TypeAlias = Annotated[
    str, typer.Option(help="As utf-8, gb18030, big5.", rich_help_panel=READING)
]
Errors: TypeAlias = Annotated[
    str,
    typer.Option(
        help="What invalid bytes bring: strict, replace or skip (the line).",
        rich_help_panel=READING,
    ),
]
StripHtml: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strip-html",
        help="Take out tags, entities, URLs and e-mail addresses.",
        rich_help_panel=READING,
    ),
]
DropDuplicates: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--drop-duplicates",
        help="Leave out lines or records that were there before.",
        rich_help_panel=READING,
    ),
]

Letters: TypeAlias = Annotated[
    str,
    typer.Option(
        help="A run of letters is one unit, single characters, or a break.",
        rich_help_panel=ALPHABET,
    ),
]
Digits: TypeAlias = Annotated[
    str, typer.Option(help="The same for runs of digits.", rich_help_panel=ALPHABET)
]
Nfkc: TypeAlias = Annotated[
    bool,
    typer.Option("--nfkc", help="Fold full-width forms and the like.", rich_help_panel=ALPHABET),
]
SkipVariationSelectors: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-variation-selectors",
        help="Count variants of a character as the character.",
        rich_help_panel=ALPHABET,
    ),
]

Threads: TypeAlias = Annotated[
    int | None,
    typer.Option(help="All cores where left out.", rich_help_panel=RUNNING, show_default=False),
]
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--memory",
        "-S",
        help="The most memory, as 2GB. Half of what is free where left out.",
        rich_help_panel=RUNNING,
        show_default=False,
    ),
]
TempDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--temp-dir",
        "-T",
        help="Where spill files go.",
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
        "--traceback", help="Show where in the program an error arose.", rich_help_panel=RUNNING
    ),
]

Output: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="The file to write: .tsv, .csv, .jsonl, .parquet, .txt or .dict (jieba). "
        "Without it a table on the terminal, TSV into a pipe.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
To: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="Its format where the extension does not tell: also jieba or words.",
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
        help="Order by this column, largest first.", rich_help_panel=RESULT, show_default=False
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
    typer.Option("--json", help="A summary as JSON on standard output.", rich_help_panel=RESULT),
]
Rejected: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Write the rejected candidates and why they were to this file.",
        rich_help_panel=RESULT,
        show_default=False,
    ),
]
