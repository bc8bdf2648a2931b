"""Layers, a tagger, an entity linker, generation and robust training for Keras 3.

They run on TensorFlow, JAX and PyTorch. Needs Keras and one backend:
`pip install "newword[tensorflow]"`, `"newword[jax]"` or `"newword[torch]"`; `"newword[keras]"`
installs TensorFlow. Results do not depend on the amount of padding in a batch.
"""

from newword.keras import _require as _require
from newword.keras.analysis.landscape import LossLandscape
from newword.keras.analysis.normalization import PartialBatchNormalization
from newword.keras.analysis.probe import LandscapeProbe
from newword.keras.analysis.spectrum import second_moment_spectrum
from newword.keras.layers.attention import AttentionPooling, MaskedSoftmax
from newword.keras.layers.convolution import MaskedConv1D, MaskedSeparableConv1D
from newword.keras.layers.encoders import BiLSTMEncoder, DGCNNEncoder
from newword.keras.layers.gated_convolution import DGCNN, DilatedGatedConv1D
from newword.keras.layers.masks import (
    apply_mask,
    mask_from_ids,
    mask_from_lengths,
    masked_max,
    masked_mean,
    masked_min,
    masked_softmax,
    masked_std,
    masked_sum,
    merge_masks,
)
from newword.keras.layers.merging import MergeMasks
from newword.keras.layers.pooling import (
    MaskedMaxPooling,
    MaskedMeanPooling,
    MaskedMinPooling,
    MaskedStdPooling,
    MaskedSumPooling,
)
from newword.keras.layers.recurrent import LengthAwareBidirectional
from newword.keras.layers.sequences import last_valid, pack_by_mask, reverse_by_mask, unpack_by_mask
from newword.keras.layers.transformer import TransformerEncoder
from newword.keras.linking.linker import EntityLinker
from newword.keras.seq2seq.bidirectional import BidirectionalLSTMEncoderDecoder
from newword.keras.seq2seq.bidirectional_generation import generate_bidirectional
from newword.keras.seq2seq.copying import CopyPrior
from newword.keras.seq2seq.generation import CompiledStep, generate
from newword.keras.seq2seq.generator.bidirectional_seq2seq import BidirectionalSeq2Seq
from newword.keras.seq2seq.generator.positions import position_accuracy
from newword.keras.seq2seq.generator.seq2seq import Seq2Seq
from newword.keras.seq2seq.hub import KerasHubDecoder
from newword.keras.seq2seq.loss import TokenAccuracy, TokenCrossEntropy
from newword.keras.seq2seq.lstm import LSTMEncoderDecoder
from newword.keras.seq2seq.modulation import SelfModulatedLayerNormalization
from newword.keras.seq2seq.remedies import RandomReplacement, RDrop, ScheduledSampling, TeaForN
from newword.keras.seq2seq.teacher_forcing import TeacherForcing
from newword.keras.seq2seq.transformer import TransformerEncoderDecoder
from newword.keras.tagging.crf import CRF
from newword.keras.tagging.decoding import decode, predict_tags
from newword.keras.tagging.losses import TaggingLoss
from newword.keras.tagging.memm import MEMM, BidirectionalMEMM
from newword.keras.tagging.metrics import EmissionAccuracy
from newword.keras.tagging.softmax import SoftmaxTagging
from newword.keras.tagging.tagger.tagger import Tagger
from newword.keras.tagging.viterbi import ViterbiDecoder
from newword.keras.training.options import AdversarialTraining
from newword.keras.training.report import perturbation_report
from newword.keras.training.semi_supervised import SemiSupervisedBatches
from newword.keras.training.training import adversarial_training
from newword.keras.vocabulary import Vocabulary

__all__ = [
    "CRF",
    "DGCNN",
    "MEMM",
    "AdversarialTraining",
    "AttentionPooling",
    "BiLSTMEncoder",
    "BidirectionalLSTMEncoderDecoder",
    "BidirectionalMEMM",
    "BidirectionalSeq2Seq",
    "CompiledStep",
    "CopyPrior",
    "DGCNNEncoder",
    "DilatedGatedConv1D",
    "EmissionAccuracy",
    "EntityLinker",
    "KerasHubDecoder",
    "LSTMEncoderDecoder",
    "LandscapeProbe",
    "LengthAwareBidirectional",
    "LossLandscape",
    "MaskedConv1D",
    "MaskedMaxPooling",
    "MaskedMeanPooling",
    "MaskedMinPooling",
    "MaskedSeparableConv1D",
    "MaskedSoftmax",
    "MaskedStdPooling",
    "MaskedSumPooling",
    "MergeMasks",
    "PartialBatchNormalization",
    "RDrop",
    "RandomReplacement",
    "ScheduledSampling",
    "SelfModulatedLayerNormalization",
    "SemiSupervisedBatches",
    "Seq2Seq",
    "SoftmaxTagging",
    "Tagger",
    "TaggingLoss",
    "TeaForN",
    "TeacherForcing",
    "TokenAccuracy",
    "TokenCrossEntropy",
    "TransformerEncoder",
    "TransformerEncoderDecoder",
    "ViterbiDecoder",
    "Vocabulary",
    "adversarial_training",
    "apply_mask",
    "decode",
    "generate",
    "generate_bidirectional",
    "last_valid",
    "mask_from_ids",
    "mask_from_lengths",
    "masked_max",
    "masked_mean",
    "masked_min",
    "masked_softmax",
    "masked_std",
    "masked_sum",
    "merge_masks",
    "pack_by_mask",
    "perturbation_report",
    "position_accuracy",
    "predict_tags",
    "reverse_by_mask",
    "second_moment_spectrum",
    "unpack_by_mask",
]
