//! The best way to cut one sequence.

/// A sequence cut into parts.
#[derive(Debug, Clone, PartialEq)]
pub struct BestCut {
    /// The sum over the parts; minus infinity where no way to cut is allowed.
    pub weight: f64,
    /// Where each part ends.
    pub ends: Vec<usize>,
}

/// The heaviest way to cut `ids` into parts of up to `longest` symbols; `weight` says what a part
/// weighs, or `None` where it may not be one. Of ways that tie, the one with the longest last part.
///
/// O(length * longest) calls of `weight`.
pub fn best_cut(ids: &[u32], longest: usize, weight: impl Fn(&[u32]) -> Option<f64>) -> BestCut {
    // By place: the best weight up to it, and where its last part starts.
    let mut best = vec![(0.0, 0)];
    for end in 1..=ids.len() {
        let mut here = (f64::NEG_INFINITY, end - 1);
        for start in end.saturating_sub(longest)..end {
            let sum = weight(&ids[start..end]).map(|weight| best[start].0 + weight);
            if let Some(sum) = sum.filter(|sum| *sum > here.0) {
                here = (sum, start);
            }
        }
        best.push(here);
    }
    let (mut ends, mut end) = (Vec::new(), ids.len());
    while end > 0 {
        ends.push(end);
        end = best[end].1;
    }
    ends.reverse();
    BestCut { weight: best[ids.len()].0, ends }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_way_to_cut_is_heavier(
            ids in prop::collection::vec(1_u32..4, 0..9),
            weights in prop::collection::btree_map(
                prop::collection::vec(1_u32..4, 1..5), -9_i8..9, 0..30),
            longest in 1_usize..5,
        ) {
            let weights: BTreeMap<Vec<u32>, f64> =
                weights.into_iter().map(|(part, weight)| (part, f64::from(weight))).collect();
            let weight_of = |ends: &[usize]| {
                let starts = [0].into_iter().chain(ends.iter().copied());
                let parts = starts.zip(ends).map(|(start, end)| &ids[start..*end]);
                parts.map(|part| weights.get(part).filter(|_| part.len() <= longest)).sum::<Option<f64>>()
            };
            let found = best_cut(&ids, longest, |part| weights.get(part).copied());
            let mut best = f64::NEG_INFINITY;
            for joints in 0_u32..1 << ids.len().saturating_sub(1) {
                let inner = (1..ids.len()).filter(|place| joints >> (place - 1) & 1 == 1);
                let ends: Vec<usize> = inner.chain((!ids.is_empty()).then_some(ids.len())).collect();
                best = best.max(weight_of(&ends).unwrap_or(f64::NEG_INFINITY));
            }
            prop_assert!(found.weight.partial_cmp(&best).is_some_and(std::cmp::Ordering::is_eq));
            if best.is_finite() {
                prop_assert_eq!(weight_of(&found.ends), Some(best));
            }
        }
    }
}
