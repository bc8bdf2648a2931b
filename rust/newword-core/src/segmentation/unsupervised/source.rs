//! Text with all numbers written alike, block by block.

use super::super::class_numbers;
use crate::corpus::{Block, ReadReport, TextSource};
use crate::support::{Context, Result};

/// What may stand between two runs of digits of one number; see [`class_numbers`].
const JOINTS: &str = ".．·,:∶/／";

/// The most bytes of a number that are held back. More is no number that anybody wrote.
const LONGEST_NUMBER: usize = 64 << 10;

/// A source whose numbers are all written `0`.
///
/// A long line comes in several blocks and may be cut behind a point or comma inside a number. What
/// may be the beginning of such a number is held back for the next block, so that the text is the
/// same however it was cut.
pub struct ClassedSource {
    inner: Box<dyn TextSource>,
    held: String,
}

impl ClassedSource {
    pub fn new(inner: Box<dyn TextSource>) -> Self {
        Self { inner, held: String::new() }
    }
}

impl TextSource for ClassedSource {
    fn next_block(&mut self, context: &Context) -> Result<Option<Block>> {
        let held = std::mem::take(&mut self.held);
        let Some(mut block) = self.inner.next_block(context)? else {
            let text = class_numbers(&held).into_owned();
            return Ok((!text.is_empty()).then_some(Block { text, ..Block::default() }));
        };
        if !held.is_empty() {
            block.text.insert_str(0, &held);
        }
        self.held = block.text.split_off(open_number(&block.text, block.continues));
        block.continues |= !self.held.is_empty();
        if let std::borrow::Cow::Owned(text) = class_numbers(&block.text) {
            block.text = text;
        }
        Ok(Some(block))
    }

    fn total_bytes(&self) -> u64 {
        self.inner.total_bytes()
    }

    fn report(&self) -> ReadReport {
        self.inner.report()
    }
}

/// Where a number begins that the next block may go on with; the end of the text where none does.
/// A block that breaks the text can only have been cut within a number where it ends in a joint:
/// documents end in a newline.
fn open_number(text: &str, continues: bool) -> usize {
    let digit = |c: char| c.is_ascii_digit() || ('０'..='９').contains(&c);
    let rest = text.trim_end_matches(|c| digit(c) || JOINTS.contains(c)).len();
    let Some(first) = text[rest..].find(digit) else { return text.len() };
    let cut = continues || text.ends_with(|c| JOINTS.contains(c));
    let start = rest + first;
    if cut && text.len() - start <= LONGEST_NUMBER { start } else { text.len() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::testing::job;
    use proptest::prelude::*;

    struct Blocks(std::vec::IntoIter<(String, bool)>);

    impl TextSource for Blocks {
        fn next_block(&mut self, _: &Context) -> Result<Option<Block>> {
            Ok(self.0.next().map(|(text, continues)| Block { text, continues, bytes: 1 }))
        }

        fn total_bytes(&self) -> u64 {
            7
        }

        fn report(&self) -> ReadReport {
            ReadReport { files: 3, ..ReadReport::default() }
        }
    }

    fn classed(blocks: &[(&str, bool)]) -> Vec<(String, bool)> {
        let blocks: Vec<_> =
            blocks.iter().map(|(text, goes_on)| ((*text).into(), *goes_on)).collect();
        let mut source = ClassedSource::new(Box::new(Blocks(blocks.into_iter())));
        assert_eq!((source.total_bytes(), source.report().files), (7, 3));
        let mut all = Vec::new();
        while let Some(block) = source.next_block(&job(1)).unwrap() {
            all.push((block.text, block.continues));
        }
        all
    }

    #[test]
    fn numbers_are_whole_across_seams_and_apart_across_documents() {
        let expect = |found: Vec<(String, bool)>, expected: &[(&str, bool)]| {
            let found: Vec<_> = found.iter().map(|(text, on)| (text.as_str(), *on)).collect();
            assert_eq!(found, expected);
        };
        expect(classed(&[("增3.", false), ("5%。", false)]), &[("增", true), ("0。", false)]);
        expect(classed(&[("增3", false), ("5", false)]), &[("增0", false), ("0", false)]);
        expect(classed(&[("增12,", false)]), &[("增", true), ("0,", false)]);
        expect(classed(&[("１２\n", false), ("３\n", false)]), &[("0\n", false), ("0\n", false)]);
        expect(classed(&[("天.", false), ("", false)]), &[("天.", false), ("", false)]);
        let endless = "7".repeat(LONGEST_NUMBER + 1);
        expect(classed(&[(&endless, true), ("8", false)]), &[("0", true), ("0", false)]);
    }

    proptest! {
        #[test]
        fn the_text_is_the_same_however_it_is_cut(
            pieces in prop::collection::vec("[0-9１.,:%天地\n]{0,9}", 0..6),
        ) {
            let blocks: Vec<_> = pieces.iter().map(|piece| (piece.as_str(), true)).collect();
            let joined: String = classed(&blocks).into_iter().map(|(text, _)| text).collect();
            prop_assert_eq!(joined, class_numbers(&pieces.concat()).into_owned());
        }
    }
}
