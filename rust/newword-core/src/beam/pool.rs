//! Finished hypotheses, which are kept unchanged.

/// A generated sequence.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hypothesis {
    /// The tokens in reading order, without the end token.
    pub tokens: Vec<i32>,
    /// The log-probability of each of `tokens`, then that of the end token if the hypothesis is finished.
    pub token_log_probs: Vec<f64>,
    /// Their sum.
    pub log_prob: f64,
    /// The sum after the length penalty.
    pub score: f64,
    /// Whether the hypothesis ended with an end token.
    pub finished: bool,
    /// The group of a diverse search, or the number of a sample.
    pub group: usize,
    /// Whether the hypothesis was generated from its last token to its first.
    pub reversed: bool,
}

impl Hypothesis {
    /// Sorts finished hypotheses before unfinished ones, then by score, descending.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let finished = other.finished.cmp(&self.finished);
        finished.then_with(|| other.score.total_cmp(&self.score))
    }
}

/// The best finished hypotheses, no two with the same tokens.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    best: Vec<Hypothesis>,
    size: usize,
}

impl Pool {
    pub(super) fn new(size: usize) -> Self {
        Self { best: vec![], size }
    }

    /// Whether a hypothesis of this score would be kept. Of equal ones the first is kept.
    pub(super) fn accepts(&self, score: f64) -> bool {
        self.worst().is_none_or(|worst| score > worst)
    }

    /// The lowest score in a full pool.
    pub(super) fn worst(&self) -> Option<f64> {
        self.best.last().filter(|_| self.best.len() >= self.size).map(|last| last.score)
    }

    pub(super) fn offer(&mut self, hypothesis: Hypothesis) {
        if let Some(place) = self.best.iter().position(|one| one.tokens == hypothesis.tokens) {
            if self.best[place].score >= hypothesis.score {
                return;
            }
            self.best.remove(place);
        }
        let place = self.best.partition_point(|one| one.score >= hypothesis.score);
        if place < self.size {
            self.best.truncate(self.size - 1);
            self.best.insert(place, hypothesis);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.best.is_empty()
    }

    pub(super) fn hypotheses(&self) -> &[Hypothesis] {
        &self.best
    }
}

/// The best `count` of some hypotheses in order, no two with the same tokens. Of equal ones the first is kept.
pub(super) fn best(mut all: Vec<Hypothesis>, count: usize) -> Vec<Hypothesis> {
    all.sort_by(Hypothesis::order);
    let mut found: Vec<Hypothesis> = vec![];
    for hypothesis in all {
        if found.len() == count {
            break;
        }
        if found.iter().all(|one| one.tokens != hypothesis.tokens) {
            found.push(hypothesis);
        }
    }
    found
}
