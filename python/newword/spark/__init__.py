"""Counting and discovery on an Apache Spark cluster.

The tasks count with the core; Spark schedules them, moves the counts and retries. The results are
those of one machine. Needs `pip install "newword[spark]"` on the driver and on every worker.

>>> from newword.spark import count_ngrams
>>> counts = count_ngrams(df, "text", order=4)  # doctest: +SKIP
"""

from newword.spark.counts import count_ngrams, merge_counts, read_counts, write_counts

__all__ = ["count_ngrams", "merge_counts", "read_counts", "write_counts"]
