//! Segmenters as files that are mapped: `docs/segmenter-file.md` describes them.

use std::path::Path;

use bytemuck::cast_slice;
use serde_json::{Value, json};

use super::labels::Labels;
use super::lattice::Lattice;
use super::options::{Numbers, SegmenterOptions};
use super::segmenter::Segmenter;
use crate::corpus::{Alphabet, RunMode};
use crate::support::Result;
use crate::support::arrays::{ArrayFile, Content, Format, write_arrays};
use crate::trie::Trie;

/// What a segmenter's file is known by.
const FORMAT: Format = Format { magic: *b"\x89NWsegm\0", version: 1, name: "segmenter" };

impl Segmenter {
    /// Writes the segmenter into the file `path`, for [`Segmenter::open`]. O(bytes).
    ///
    /// What is at `path` is written over: give a temporary name and rename it, since a file must not
    /// change while a segmenter uses it.
    ///
    /// # Errors
    /// [`crate::support::Error::Io`].
    pub fn save(&self, path: &Path) -> Result<()> {
        let Self { options, labels, lattice } = self;
        let pairs: Vec<u8> = lattice.pairs.iter().map(|pairs| u8::from(*pairs)).collect();
        let (mut arrays, labels) = labels.arrays();
        arrays.push(("pairs", &pairs));
        arrays.push(("trie", cast_slice(lattice.trie.nodes())));
        arrays.push(("weights", cast_slice(&lattice.weights)));
        let meta = json!({
            "options": options_to_json(options),
            "labels": labels,
            "longest": lattice.trie.longest(),
        });
        let arrays: Vec<_> =
            arrays.into_iter().map(|(name, bytes)| (name, Content::Bytes(bytes))).collect();
        write_arrays(path, FORMAT, &meta, &arrays)
    }

    /// The segmenter in a file that [`Segmenter::save`] wrote: it cuts as the one that was saved.
    ///
    /// The large arrays are mapped and not read, so that opening takes the same time for any lexicon,
    /// and all processes that open a file share its memory. The header and the small arrays are checked
    /// against their checksums, the large ones too where `verify` is set, which reads the whole file.
    /// Without it, damage in a large array may change words; it cannot do worse.
    ///
    /// The file must not be written into as long as the segmenter lives; it may be replaced and removed.
    ///
    /// # Errors
    /// [`crate::support::Error::Format`] where it is no such file, of another version, cut short or
    /// damaged; [`crate::support::Error::Io`].
    pub fn open(path: &Path, verify: bool) -> Result<Self> {
        let (file, meta) = ArrayFile::open(path, FORMAT)?;
        if verify {
            file.verify()?;
        }
        let damaged = || file.damaged();
        let number = |name: &str| meta[name].as_u64().ok_or_else(damaged);
        let options = options_of_json(&meta["options"]).ok_or_else(damaged)?;
        let len = u32::try_from(number("labels")?).map_err(|_| damaged())?;
        let longest = usize::try_from(number("longest")?).map_err(|_| damaged())?;
        let trie = Trie::from_array(file.array("trie", None)?, longest).ok_or_else(damaged)?;
        let pairs = file.read::<u8>("pairs", None)?.into_iter().map(|pairs| pairs != 0).collect();
        let weights = file.array("weights", None)?;
        let lattice = Lattice::from_arrays(trie, weights, pairs).ok_or_else(damaged)?;
        Ok(Self { options, labels: Labels::open(&file, len)?, lattice })
    }
}

const RUN_MODES: [(&str, RunMode); 3] =
    [("unit", RunMode::Unit), ("characters", RunMode::Characters), ("break", RunMode::Break)];

const NUMBERS: [(&str, Numbers); 3] =
    [("runs", Numbers::Runs), ("joined", Numbers::Joined), ("classed", Numbers::Classed)];

/// The name of a value in such a table.
fn name_in<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

fn value_in<T: Copy>(table: &[(&str, T)], name: &Value) -> Option<T> {
    table.iter().find(|(known, _)| name == known).map(|(_, value)| *value)
}

fn options_to_json(options: &SegmenterOptions) -> Value {
    let SegmenterOptions { alphabet, numbers, unknown_pair } = options;
    let Alphabet { letters, digits, nfkc, skip_variation_selectors } = alphabet;
    json!({
        "letters": name_in(&RUN_MODES, letters),
        "digits": name_in(&RUN_MODES, digits),
        "nfkc": nfkc,
        "skip_variation_selectors": skip_variation_selectors,
        "numbers": name_in(&NUMBERS, numbers),
        "unknown_pair": unknown_pair,
    })
}

fn options_of_json(json: &Value) -> Option<SegmenterOptions> {
    let alphabet = Alphabet {
        letters: value_in(&RUN_MODES, &json["letters"])?,
        digits: value_in(&RUN_MODES, &json["digits"])?,
        nfkc: json["nfkc"].as_bool()?,
        skip_variation_selectors: json["skip_variation_selectors"].as_bool()?,
    };
    let numbers = value_in(&NUMBERS, &json["numbers"])?;
    let unknown_pair = json["unknown_pair"].as_f64()?;
    Some(SegmenterOptions { alphabet, numbers, unknown_pair })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::convert::Infallible;

    use crate::support::Workers;

    fn options() -> impl Strategy<Value = SegmenterOptions> {
        let modes = || prop::sample::select(RUN_MODES.map(|(_, mode)| mode).to_vec());
        let numbers = prop::sample::select(NUMBERS.map(|(_, numbers)| numbers).to_vec());
        let pair = prop_oneof![Just(0.0), Just(0.03), Just(2.0)];
        (modes(), modes(), any::<[bool; 2]>(), numbers, pair).prop_map(
            |(letters, digits, [nfkc, skip_variation_selectors], numbers, unknown_pair)| {
                let alphabet = Alphabet { letters, digits, nfkc, skip_variation_selectors };
                SegmenterOptions { alphabet, numbers, unknown_pair }
            },
        )
    }

    const WORDS: &str =
        "([天地人a1Ａ５，\u{200b}\u{301}\u{fe00}\u{f900}\u{20000}😀 ]|ab|12|\\PC){1,5}";

    fn text() -> impl Strategy<Value = String> {
        prop::collection::vec(WORDS, 0..20).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn several_threads_make_the_same_file(
            words in prop::collection::vec((WORDS, 0_u64..50), 0..12),
            options in options(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let paths = [1, 2, 3].map(|threads| folder.path().join(threads.to_string()));
            for (threads, path) in (1..).zip(&paths) {
                let workers = Workers::kept(Some(threads)).unwrap();
                let segmenter = Segmenter::of_entries(&words, options.clone(), &workers);
                segmenter.unwrap().save(path).unwrap();
            }
            let files = paths.map(|path| std::fs::read(path).unwrap());
            prop_assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
        }

        #[test]
        fn a_file_cuts_as_what_was_saved(
            words in prop::collection::vec((WORDS, 0_u64..50), 0..12),
            texts in prop::collection::vec(text(), 1..6),
            options in options(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("words.seg");
            let saved = Segmenter::new(words, options).unwrap();
            saved.save(&path).unwrap();
            let opened = Segmenter::open(&path, true).unwrap();
            prop_assert_eq!(opened.ids(), saved.ids());
            let go_on = || Ok::<_, Infallible>(());
            for text in &texts {
                prop_assert_eq!(opened.cut(text, go_on), saved.cut(text, go_on));
            }
            // What is saved again is the same file.
            let again = folder.path().join("again.seg");
            opened.save(&again).unwrap();
            prop_assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
        }

        #[test]
        fn whatever_a_file_holds_texts_are_cut_or_the_file_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
            everywhere in prop::option::of(any::<u8>()),
            text in text(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("words.seg");
            let words = [("天地", 3), ("天地人", 2), ("abc", 9), ("12", 1), ("\u{20000}人", 4)];
            Segmenter::new(words, SegmenterOptions::default()).unwrap().save(&path).unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            // The trie and the weights are the last, and checked by nobody.
            let trie = bytes.len() - 4096;
            if let Some(byte) = everywhere {
                bytes[trie..].fill(byte);
            }
            for (at, byte) in changes {
                let place = trie + at.index(4096);
                bytes[place] = byte;
            }
            std::fs::write(&path, &bytes).unwrap();
            prop_assert!(Segmenter::open(&path, true).is_err() || everywhere.is_none());
            if let Ok(segmenter) = Segmenter::open(&path, false) {
                let words = segmenter.segment(&text);
                let joined: String = words.into_iter().map(|word| &text[word]).collect();
                prop_assert_eq!(joined, text);
            }
        }
    }

    #[test]
    fn cut_short_or_contradictory_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.seg");
        Segmenter::new([("天地", 3)], SegmenterOptions::default()).unwrap().save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 7, 19, 400, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Segmenter::open(&path, false).is_err(), "{length} bytes");
        }
        // A header whose checksums are right and whose arrays do not fit each other.
        for wrong in ["trie", "weights", "name_table", "characters", "pairs"] {
            let arrays = [
                ("characters", 4 << 16),
                ("names", 0),
                ("name_entries", 8),
                ("name_table", 16),
                ("pairs", 1),
                ("trie", 16),
                ("weights", 16),
            ];
            let meta = json!({
                "options": options_to_json(&SegmenterOptions::default()), "labels": 0, "longest": 0,
            });
            let file = |wrong: &str| {
                let zeros = vec![0; 4 << 16];
                let arrays = arrays.map(|(name, bytes)| {
                    let bytes = if name == wrong { bytes / 8 + 3 } else { bytes };
                    (if name == wrong && name == "pairs" { "other" } else { name }, &zeros[..bytes])
                });
                let arrays = arrays.map(|(name, bytes)| (name, Content::Bytes(bytes)));
                write_arrays(&path, FORMAT, &meta, &arrays).unwrap();
                Segmenter::open(&path, true)
            };
            let words = file("").unwrap().segment("天，abc");
            assert_eq!(words.last().map(|word| word.end), Some(9), "all arrays fit");
            assert!(file(wrong).is_err(), "{wrong}");
        }
    }
}
