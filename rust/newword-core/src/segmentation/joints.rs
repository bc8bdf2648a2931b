//! Runs of letters and of digits that touch and that no word keeps apart.

use super::cuts::Cut;
use super::lattice::Step;

/// Joins the last words, from `from` on, at the `joints` where both are one token alone. `path` has
/// the steps of these words from the last to the first. O(words).
pub fn join(words: &mut Vec<Cut>, from: usize, path: &[Step], joints: &[usize]) {
    let mut joints = joints.iter().copied().peekable();
    let (mut place, mut kept, mut was_single) = (0, from, false);
    for (index, step) in path.iter().rev().enumerate() {
        while joints.next_if(|joint| *joint < place).is_some() {}
        let is_single = step.length() == 1;
        let word = words[from + index];
        if was_single && is_single && joints.peek() == Some(&place) {
            words[kept - 1] = Cut { end: word.end, id: Cut::NAMELESS };
        } else {
            words[kept] = word;
            kept += 1;
        }
        was_single = is_single;
        place += step.length();
    }
    words.truncate(kept);
}
