//! Parallel iteration over the parts of a corpus.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::EncodedCorpus;
use crate::support::{Context, Result, Stage};

/// A sequence of ids in parts, each loaded with some of its neighbours' ids on either side. Zeros
/// are breaks. What [`EncodedCorpus`] is, and what tests make by hand.
pub trait Parts: Sync {
    /// How many parts there are.
    fn parts(&self) -> usize;

    /// The number of ids without breaks, for progress.
    fn total(&self) -> u64;

    /// As [`EncodedCorpus::load`].
    ///
    /// # Errors
    /// Reading failed.
    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>>;
}

impl Parts for EncodedCorpus {
    fn parts(&self) -> usize {
        self.parts()
    }

    fn total(&self) -> u64 {
        self.total()
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        self.load(part, context, out)
    }
}

/// Calls `step` once for every part, with `margin` ids of its neighbours, on `workers` threads, and
/// returns the workers' states in no order that means anything: their sum must not depend on it.
pub fn each_part<P: Parts + ?Sized, S: Send>(
    corpus: &P,
    margin: usize,
    workers: usize,
    context: &Context,
    new: impl Fn() -> S + Sync,
    step: impl Fn(&mut S, usize, &[u32], Range<usize>) -> Result<()> + Sync,
) -> Result<Vec<S>> {
    context.progress().begin(Stage::Segmenting, corpus.total());
    let next = AtomicUsize::new(0);
    let work = |_| {
        let mut state = new();
        let mut ids = Vec::new();
        loop {
            context.check()?;
            let part = next.fetch_add(1, Ordering::Relaxed);
            if part >= corpus.parts() {
                return Ok(state);
            }
            let own = corpus.load(part, margin, &mut ids)?;
            let amount = own.len() as u64;
            step(&mut state, part, &ids, own)?;
            context.progress().advance(amount);
        }
    };
    let workers = workers.clamp(1, corpus.parts().max(1));
    context.pool().install(|| (0..workers).into_par_iter().with_max_len(1).map(work).collect())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A sequence split at given places, as by a reader.
    pub struct CutParts {
        pub ids: Vec<u32>,
        pub cuts: Vec<usize>,
    }

    impl CutParts {
        pub fn new(ids: &[u32], cuts: &[usize]) -> Self {
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut % (ids.len() + 1)).collect();
            places.extend([0, ids.len()]);
            places.sort_unstable();
            places.dedup();
            Self { ids: ids.to_vec(), cuts: places }
        }
    }

    impl Parts for CutParts {
        fn parts(&self) -> usize {
            self.cuts.len() - 1
        }

        fn total(&self) -> u64 {
            self.ids.iter().filter(|id| **id != 0).count() as u64
        }

        fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
            let (start, end) = (self.cuts[part], self.cuts[part + 1]);
            let from = start.saturating_sub(context);
            out.clear();
            out.extend(&self.ids[from..(end + context).min(self.ids.len())]);
            Ok(start - from..end - from)
        }
    }
}
