//! The tokens of live hypotheses, as a tree of back pointers.

/// The parent of a first token.
pub(super) const ROOT: u32 = u32::MAX;
/// Trees of fewer nodes are not compacted.
const SMALL: usize = 256;

#[derive(Debug, Clone, Copy)]
struct Node {
    parent: u32,
    token: i32,
    log_prob: f64,
}

/// A tree whose paths from the root are hypotheses. The parent of a node has a smaller number.
///
/// The tree is compacted whenever it has doubled: nodes of no live hypothesis are removed. Its size therefore
/// stays within twice the number of tokens of live hypotheses, and a push takes O(1) on average.
#[derive(Debug, Clone)]
pub(super) struct History {
    nodes: Vec<Node>,
    limit: usize,
}

impl History {
    pub(super) fn new() -> Self {
        Self { nodes: Vec::new(), limit: SMALL }
    }

    /// Adds a token after `parent` and returns its node.
    #[allow(clippy::cast_possible_truncation, reason = "2^32 nodes are 64 GiB")]
    pub(super) fn push(&mut self, parent: u32, token: i32, log_prob: f64) -> u32 {
        self.nodes.push(Node { parent, token, log_prob });
        (self.nodes.len() - 1) as u32
    }

    /// The tokens from the root to `node` and their log-probabilities.
    pub(super) fn path(&self, mut node: u32) -> (Vec<i32>, Vec<f64>) {
        let back = std::iter::from_fn(|| {
            let found = self.nodes.get(node as usize)?;
            node = found.parent;
            Some((found.token, found.log_prob))
        });
        let (mut tokens, mut log_probs): (Vec<_>, Vec<_>) = back.unzip();
        tokens.reverse();
        log_probs.reverse();
        (tokens, log_probs)
    }

    /// Removes the nodes on no path to `ends` if the tree has doubled, and renumbers `ends`.
    pub(super) fn compact<'a>(&mut self, ends: impl Iterator<Item = &'a mut u32>) {
        if self.nodes.len() < self.limit {
            return;
        }
        let mut numbers = vec![ROOT; self.nodes.len()];
        let ends: Vec<_> = ends.collect();
        for end in &ends {
            let mut node = **end;
            // Stops where the path joins another one.
            while node != ROOT && numbers[node as usize] == ROOT {
                numbers[node as usize] = 0;
                node = self.nodes[node as usize].parent;
            }
        }
        let mut kept = 0;
        for node in 0..self.nodes.len() {
            if numbers[node] != ROOT {
                let mut moved = self.nodes[node];
                if moved.parent != ROOT {
                    moved.parent = numbers[moved.parent as usize];
                }
                numbers[node] = kept;
                self.nodes[kept as usize] = moved;
                kept += 1;
            }
        }
        self.nodes.truncate(kept as usize);
        for end in ends {
            if *end != ROOT {
                *end = numbers[*end as usize];
            }
        }
        self.limit = (2 * self.nodes.len()).max(SMALL);
        self.nodes.shrink_to(self.limit);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}
