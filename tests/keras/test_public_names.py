"""What `newword.keras` promises, whatever rooms its code is in."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

import newword.keras as nk

NAMES = [
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


@pytest.mark.contract
def test_the_public_names_are_these() -> None:
    assert nk.__all__ == NAMES
    assert all(getattr(nk, name).__doc__ for name in NAMES)
