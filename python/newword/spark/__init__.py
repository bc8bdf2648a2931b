"""Counting and discovery on an Apache Spark cluster.

The tasks count with the core; Spark schedules them, moves the counts and retries. The results are
those of one machine. Needs `pip install "newword[spark]"` on the driver and on every worker.

>>> from newword.spark import count_ngrams, discover
>>> words = discover(df, "text", order=4, min_count=50)  # doctest: +SKIP
>>> counts = count_ngrams(df, "text", order=4)  # doctest: +SKIP
"""

from newword.spark.counts import count_ngrams, merge_counts, read_counts, write_counts
from newword.spark.discovery import WordFrame, discover

__all__ = ["WordFrame", "count_ngrams", "discover", "merge_counts", "read_counts", "write_counts"]
