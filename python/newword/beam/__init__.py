"""Generation of sequences: beam search, sampling and bidirectional search, for any model.

The model belongs to the caller. It keeps a batch of rows, one for each hypothesis, and computes the
log-probabilities of the next token of every row. A search answers with a parent row and a token for
each row; the caller reorders the state of the model by the parents and feeds it the tokens. Keras
is not needed: scores are NumPy arrays, or whatever `numpy.asarray` accepts.
"""

from newword.beam.bidirectional import BidirectionalBeamSearch
from newword.beam.hypothesis import Hypothesis
from newword.beam.sampler import Sampler
from newword.beam.search import BeamSearch
from newword.beam.trie import TokenTrie

__all__ = ["BeamSearch", "BidirectionalBeamSearch", "Hypothesis", "Sampler", "TokenTrie"]
