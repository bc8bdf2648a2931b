//! Rows of the transition matrix, for every representation.

use super::problem::{Problem, Transitions};
use super::scalar::Scalar;

/// The scores of all tags after a given one, for one sequence.
pub(super) struct Rows<'p, F: Scalar> {
    tags: usize,
    kind: Kind<'p, F>,
    row: Vec<F>,
}

enum Kind<'p, F> {
    Matrix(&'p [F]),
    LowRank { left: &'p [F], right: &'p [F], rank: usize },
}

impl<'p, F: Scalar> Rows<'p, F> {
    /// The rows for sequence `row` of a problem.
    pub(super) fn of(problem: &'p Problem<'_, F>, row: usize) -> Self {
        let tags = problem.tags;
        let kind = match &problem.transitions {
            Transitions::Shared(matrix) => Kind::Matrix(matrix),
            Transitions::PerSequence(matrices) => {
                Kind::Matrix(&matrices[row * tags * tags..][..tags * tags])
            }
            Transitions::LowRank { left, right, rank } => {
                Kind::LowRank { left, right, rank: *rank }
            }
        };
        let row =
            if matches!(kind, Kind::LowRank { .. }) { vec![F::default(); tags] } else { vec![] };
        Self { tags, kind, row }
    }

    /// The scores of all tags after `tag`; O(rank tags) for low-rank transitions.
    #[inline(always)]
    pub(super) fn after(&mut self, tag: usize) -> &[F] {
        match self.kind {
            Kind::Matrix(matrix) => &matrix[tag * self.tags..][..self.tags],
            Kind::LowRank { left, right, rank } => {
                self.row.fill(F::default());
                let factors = &left[tag * rank..][..rank];
                for (&factor, column) in factors.iter().zip(right.chunks_exact(self.tags)) {
                    for (sum, &value) in self.row.iter_mut().zip(column) {
                        *sum += factor * value;
                    }
                }
                &self.row
            }
        }
    }

    /// The score of `next` after `tag`.
    pub(super) fn between(&self, tag: usize, next: usize) -> F {
        match self.kind {
            Kind::Matrix(matrix) => matrix[tag * self.tags + next],
            Kind::LowRank { left, right, rank } => {
                let mut sum = F::default();
                for (&factor, column) in
                    left[tag * rank..][..rank].iter().zip(right.chunks_exact(self.tags))
                {
                    sum += factor * column[next];
                }
                sum
            }
        }
    }
}
