//! The words that a segmenter is built of.

/// Words by their places. What is known of a word is asked for one at a time: of millions of words, each is
/// somewhere else in memory.
pub trait Entries: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The word of a place.
    fn word(&self, at: usize) -> &str;

    /// Its count.
    fn count(&self, at: usize) -> u64;
}

impl<S: AsRef<str> + Sync> Entries for Vec<(S, u64)> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn word(&self, at: usize) -> &str {
        self[at].0.as_ref()
    }

    fn count(&self, at: usize) -> u64 {
        self[at].1
    }
}

/// Words of equal counts.
pub struct Uncounted<'w, S>(pub &'w [(S, f64)]);

impl<S: AsRef<str> + Sync> Entries for Uncounted<'_, S> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn word(&self, at: usize) -> &str {
        self.0[at].0.as_ref()
    }

    fn count(&self, _: usize) -> u64 {
        1
    }
}
