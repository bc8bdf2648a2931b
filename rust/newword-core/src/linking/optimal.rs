//! The names that leave the fewest characters uncovered.

use super::matching::Sink;

/// Chooses names on a shortest path: first the uncovered characters count, then the names.
///
/// Where no name covers both sides of a place, every path passes it. So paths are sought from one such
/// place to the next, and what they need stays small.
pub struct Optimal<'s> {
    spans: &'s mut Vec<[u32; 2]>,
    /// Where the paths begin, and the place up to which the names since then reach.
    start: u32,
    reach: u32,
    /// By place from `start`, the cost of the best path up to it.
    costs: Vec<u64>,
    /// By place from `start`, where the last name of that path begins; [`UNCOVERED`] where its last
    /// character is in no name.
    last: Vec<u32>,
    /// Costs are final up to this place.
    settled: u32,
}

/// The cost of a character in no name, and that of a name.
const CHARACTER: u64 = 1 << 32;
const NAME: u64 = 1;

const UNCOVERED: u32 = u32::MAX;

impl<'s> Optimal<'s> {
    /// Appends to `spans`.
    pub fn new(spans: &'s mut Vec<[u32; 2]>) -> Self {
        let (costs, last) = (Vec::new(), Vec::new());
        Self { spans, start: 0, reach: 0, costs, last, settled: 0 }
    }

    fn begin(&mut self, start: u32) {
        (self.start, self.reach, self.settled) = (start, start, start);
        self.costs.clear();
        self.last.clear();
        self.costs.push(0);
        self.last.push(UNCOVERED);
    }

    /// Makes the costs up to a place final.
    fn settle(&mut self, end: u32) {
        for at in (self.settled - self.start) as usize..(end - self.start) as usize {
            let cost = self.costs[at] + CHARACTER;
            if cost < self.costs[at + 1] {
                (self.costs[at + 1], self.last[at + 1]) = (cost, UNCOVERED);
            }
        }
        self.settled = end;
    }

    /// Appends the names of the best path.
    fn end(&mut self) {
        self.settle(self.reach);
        let (first, mut end) = (self.spans.len(), self.reach);
        while end > self.start {
            let last = self.last[(end - self.start) as usize];
            if last == UNCOVERED {
                end -= 1;
            } else {
                self.spans.push([last, end]);
                end = last;
            }
        }
        self.spans[first..].reverse();
    }
}

impl Sink for Optimal<'_> {
    #[inline]
    fn take(&mut self, start: u32, end: u32) {
        if start >= self.reach {
            self.end();
            self.begin(start);
        }
        self.settle(start);
        if end > self.reach {
            self.reach = end;
            let places = (end - self.start) as usize + 1;
            self.costs.resize(places, u64::MAX);
            self.last.resize(places, UNCOVERED);
        }
        let cost = self.costs[(start - self.start) as usize] + NAME;
        let at = (end - self.start) as usize;
        // Names come by their starts: of paths that tie, the one with the longest last name was first.
        if cost < self.costs[at] {
            (self.costs[at], self.last[at]) = (cost, start);
        }
    }

    fn finish(&mut self) {
        self.end();
        self.begin(0);
    }
}
