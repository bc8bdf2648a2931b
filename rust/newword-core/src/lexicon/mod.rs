//! Scores, segmentation and the words themselves.
