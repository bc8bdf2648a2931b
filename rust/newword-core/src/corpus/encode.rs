//! Reading a source on all threads into an [`EncodedCorpus`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::encoder::BlockEncoder;
use super::store::Store;
use super::{Alphabet, Block, EncodedCorpus, ReadReport, TextSource};
use crate::support::{Context, Error, Result, Stage};

/// Reads all of `source` and encodes it on all threads of `context`.
///
/// One thread at a time pulls a block; each encodes its block with a dictionary of its own, and
/// the dictionaries are merged as blocks come in. What comes out depends on the text alone, not on
/// threads, blocks or memory. Ids beyond about a third of the memory budget go to one temporary
/// file. O(n) in the text.
///
/// # Errors
/// What the source meets, the spill file, or too many distinct symbols for the budget.
pub fn encode(
    source: Box<dyn TextSource>,
    alphabet: &Alphabet,
    context: &Context,
) -> Result<EncodedCorpus> {
    encode_into(Store::new(context), source, alphabet, context)
}

impl EncodedCorpus {
    /// Encodes texts held in memory, on this thread. Each text ends in a break.
    ///
    /// # Errors
    /// More than 4 GB of distinct symbols.
    pub fn from_texts<'t>(
        texts: impl IntoIterator<Item = &'t str>,
        alphabet: &Alphabet,
    ) -> Result<Self> {
        const BLOCK: usize = 1 << 20;
        let mut texts = texts.into_iter();
        let mut report = ReadReport::default();
        let (mut store, mut encoder) = (Store::unbounded(), BlockEncoder::new());
        for block in 0.. {
            let mut joined = String::new();
            while joined.len() < BLOCK
                && let Some(text) = texts.next()
            {
                report.documents += u64::from(!text.is_empty());
                report.bytes += text.len() as u64;
                joined.push_str(text);
                joined.push('\n');
            }
            if joined.is_empty() {
                break;
            }
            let mut piece_number = 0;
            encoder.encode(alphabet, &alphabet.fold(&joined), |piece| {
                piece_number += 1;
                store.add((block, piece_number), piece)
            })?;
        }
        report.ignored = encoder.ignored();
        store.finish(report)
    }
}

fn encode_into(
    store: Store,
    source: Box<dyn TextSource>,
    alphabet: &Alphabet,
    context: &Context,
) -> Result<EncodedCorpus> {
    context.progress().begin(Stage::Reading, source.total_bytes());
    let job = Job {
        source: Mutex::new(Numbered { source, next: Some(0) }),
        store: Mutex::new(store),
        failure: Mutex::default(),
        failed: AtomicBool::new(false),
        ignored: AtomicU64::new(0),
        alphabet,
        context,
    };
    context.pool().broadcast(|_| job.work());
    let Job { source, store, failure, ignored, .. } = job;
    if let Some((_, error)) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    let source = source.into_inner().unwrap_or_else(PoisonError::into_inner).source;
    let report = ReadReport { ignored: ignored.into_inner(), ..source.report() };
    store.into_inner().unwrap_or_else(PoisonError::into_inner).finish(report)
}

/// A source and the number of its next block; none once the source has ended.
struct Numbered {
    source: Box<dyn TextSource>,
    next: Option<u64>,
}

impl Numbered {
    fn pull(&mut self, context: &Context) -> (u64, Result<Option<Block>>) {
        let Some(number) = self.next.take() else { return (u64::MAX, Ok(None)) };
        let block = context.check().and_then(|()| self.source.next_block(context));
        if matches!(block, Ok(Some(_))) {
            self.next = Some(number + 1);
        }
        (number, block)
    }
}

/// What the threads share.
struct Job<'j> {
    source: Mutex<Numbered>,
    store: Mutex<Store>,
    /// The failure that comes first in the text, with its block.
    failure: Mutex<Option<(u64, Error)>>,
    failed: AtomicBool,
    /// How many characters within symbols were ignored.
    ignored: AtomicU64,
    alphabet: &'j Alphabet,
    context: &'j Context,
}

impl Job<'_> {
    /// One thread's share: blocks until the source ends or somebody fails.
    fn work(&self) {
        let mut encoder = BlockEncoder::new();
        while !self.failed.load(Ordering::Relaxed) {
            let (number, block) = lock(&self.source).pull(self.context);
            let outcome = match block {
                Ok(None) => break,
                Ok(Some(block)) => self.take(number, &block, &mut encoder),
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                self.fail(number, error);
            }
        }
        self.ignored.fetch_add(encoder.ignored(), Ordering::Relaxed);
    }

    fn take(&self, number: u64, block: &Block, encoder: &mut BlockEncoder) -> Result<()> {
        let text = self.alphabet.fold(&block.text);
        let mut pieces = 0;
        encoder.encode(self.alphabet, &text, |piece| {
            pieces += 1;
            lock(&self.store).add((number, pieces), piece)
        })?;
        if !block.continues {
            lock(&self.store).add_break((number, u32::MAX));
        }
        self.context.progress().advance(block.bytes);
        self.context.check()
    }

    fn fail(&self, number: u64, error: Error) {
        self.failed.store(true, Ordering::Relaxed);
        let mut failure = lock(&self.failure);
        if failure.as_ref().is_none_or(|(first, _)| number < *first) {
            *failure = Some((number, error));
        }
    }
}

/// A panic of another thread is passed on by the pool; until then what it left is not used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::{ReadReport, RunMode};
    use crate::support::MemoryBudget;

    /// Blocks prepared beforehand.
    struct Blocks(std::vec::IntoIter<Block>);

    impl TextSource for Blocks {
        fn next_block(&mut self, _: &Context) -> Result<Option<Block>> {
            Ok(self.0.next())
        }

        fn total_bytes(&self) -> u64 {
            0
        }

        fn report(&self) -> ReadReport {
            ReadReport::default()
        }
    }

    fn context(threads: usize) -> Context {
        Context::new(Some(threads), MemoryBudget::new(64 << 20).unwrap(), None).unwrap()
    }

    /// The stream of ids of `text`, read in one go: runs of symbols, each closed by a 0.
    fn naive(alphabet: &Alphabet, text: &str) -> (Vec<String>, Vec<u32>) {
        let folded = alphabet.fold(text);
        let units: Vec<_> = alphabet.units(&folded).collect();
        let name = |unit: &crate::corpus::Unit| alphabet.symbol(&folded, *unit).0.into_owned();
        let mut names: Vec<_> = units.iter().filter(|unit| unit.symbol).map(name).collect();
        names.sort();
        names.dedup();
        let id = |unit: &crate::corpus::Unit| names.binary_search(&name(unit)).unwrap() + 1;
        let mut stream: Vec<u32> = units
            .iter()
            .map(|u| if u.symbol { u32::try_from(id(u)).unwrap() } else { 0 })
            .collect();
        if stream.first() == Some(&0) {
            stream.remove(0);
        }
        if stream.last().is_some_and(|&last| last != 0) {
            stream.push(0);
        }
        (names, stream)
    }

    /// Checks everything a corpus says against the stream it should hold, and that its bytes say the same.
    fn check(corpus: &EncodedCorpus, names: &[String], stream: &[u32]) {
        check_alone(corpus, names, stream);
        let bytes = corpus.to_bytes().unwrap();
        check_alone(&EncodedCorpus::from_bytes(&bytes).unwrap(), names, stream);
        assert!(EncodedCorpus::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }

    fn check_alone(corpus: &EncodedCorpus, names: &[String], stream: &[u32]) {
        let symbols: Vec<_> =
            (1..).take(corpus.symbols().len()).map(|id| corpus.symbols().name(id)).collect();
        assert_eq!(symbols, names);
        let mut counts = vec![0_u64; names.len() + 1];
        for &id in stream {
            counts[id as usize] += 1;
        }
        assert_eq!(corpus.counts(), counts);
        let mut at = 0;
        let mut out = Vec::new();
        for part in 0..corpus.parts() {
            for width in [0, 1, 3, 9] {
                let own = corpus.load(part, width, &mut out).unwrap();
                assert_eq!(out[own.clone()], stream[at..at + own.len()]);
                let reach = |mut ids: Box<dyn Iterator<Item = &u32> + '_>| {
                    let ids: Vec<u32> =
                        ids.by_ref().take_while(|&&id| id != 0).take(width).copied().collect();
                    ids
                };
                let mut before = reach(Box::new(stream[..at].iter().rev()));
                before.reverse();
                assert_eq!(out[..own.start], before);
                let end = at + own.len();
                let open = stream[end - 1] != 0;
                let after = if open { reach(Box::new(stream[end..].iter())) } else { vec![] };
                assert_eq!(out[own.end..], after);
                if width == 9 {
                    let mut counted = vec![0; names.len() + 1];
                    out[own.clone()].iter().for_each(|&id| counted[id as usize] += 1);
                    let listed: Vec<_> =
                        (1..).zip(counted.drain(1..)).filter(|(_, count)| *count > 0).collect();
                    assert_eq!(corpus.part_counts(part).unwrap(), listed);
                    at = end;
                }
            }
        }
        assert_eq!(at, stream.len());
    }

    /// `text` cut before the given units, and at random into blocks that end in a break.
    fn blocks(alphabet: &Alphabet, text: &str, every: usize) -> Blocks {
        let mut starts: Vec<_> =
            alphabet.units(text).map(|unit| unit.start).step_by(every).collect();
        starts.push(text.len());
        let mut blocks: Vec<_> = starts
            .windows(2)
            .map(|cut| Block {
                text: text[cut[0]..cut[1]].to_owned(),
                continues: true,
                bytes: (cut[1] - cut[0]) as u64,
            })
            .collect();
        if let Some(last) = blocks.last_mut() {
            last.continues = false;
        }
        Blocks(blocks.into_iter())
    }

    const SAMPLE: &str = "5G网络，今天天气很不错。\n\n\u{20000}\u{20001} i\u{AD}Phone 15 Pro！葛\u{E0100}\u{FEFF}城\u{200B}か\u{3099}\
                          😀👨\u{200D}👩，的的的的的的的的的的的的的的的的的的的的的\n";

    #[test]
    fn threads_blocks_and_spilling_change_nothing() {
        let alphabet = Alphabet::default();
        let text = SAMPLE.repeat(40);
        let (names, stream) = naive(&alphabet, &text);
        for threads in [1, 2, 5] {
            let context = context(threads);
            for every in [1, 2, 7, 50, 100_000] {
                for most_held in [0, 1000, u64::MAX] {
                    let store = Store::within(most_held, u64::MAX, context.temp_dir());
                    let source = Box::new(blocks(&alphabet, &text, every));
                    let corpus = encode_into(store, source, &alphabet, &context).unwrap();
                    check(&corpus, &names, &stream);
                }
            }
            let done = context.progress().read();
            assert_eq!(done, (Stage::Reading, text.len() as u64, 0));
        }
    }

    #[test]
    fn texts_in_memory_are_encoded_alike() {
        for alphabet in [
            Alphabet::default(),
            Alphabet { nfkc: true, ..Alphabet::default() },
            Alphabet {
                letters: RunMode::Characters,
                digits: RunMode::Break,
                ..Alphabet::default()
            },
        ] {
            for lines in [vec![], vec![""], vec!["天"], vec!["，"], vec!["ＡＢ 天", "", "气１２"]]
            {
                let (names, stream) = naive(&alphabet, &lines.join("\n"));
                check(&EncodedCorpus::from_texts(lines, &alphabet).unwrap(), &names, &stream);
            }
        }
    }

    #[test]
    fn a_part_ends_before_its_ids_do() {
        let words: Vec<_> = (0..140_000).map(|word| format!("w{word:x}天")).collect();
        let text = words.join(" ");
        let alphabet = Alphabet { digits: RunMode::Unit, ..Alphabet::default() };
        let (names, stream) = naive(&alphabet, &text);
        let corpus = EncodedCorpus::from_texts([text.as_str()], &alphabet).unwrap();
        check(&corpus, &names, &stream);
        let many: String = "天".repeat(5 << 20);
        let corpus = EncodedCorpus::from_texts([many.as_str()], &alphabet).unwrap();
        assert_eq!((corpus.parts(), corpus.total()), (3, 5 << 20));
        assert_eq!(corpus.counts()[0], 1);
    }

    #[test]
    fn ignored_characters_are_counted() {
        let alphabet = Alphabet::default();
        let dirty = "\u{FEFF}超\u{200B}级\u{200D}，5\u{AD}\u{2060}0 \u{200B}";
        for threads in [1, 3] {
            let source = Box::new(blocks(&alphabet, &dirty.repeat(50), 3));
            let corpus = encode(source, &alphabet, &context(threads)).unwrap();
            assert_eq!(corpus.report().ignored, 200);
            assert!((1..).take(3).map(|id| corpus.symbols().name(id)).eq(["50", "级", "超"]));
        }
        let corpus = EncodedCorpus::from_texts([dirty, dirty], &alphabet).unwrap();
        assert_eq!((corpus.report().ignored, corpus.symbols().len()), (8, 3));
    }

    #[test]
    fn limits_and_failures_are_typed() {
        let alphabet = Alphabet::default();
        let context = context(2);
        let run =
            |store| encode_into(store, Box::new(blocks(&alphabet, SAMPLE, 3)), &alphabet, &context);
        let error = run(Store::within(u64::MAX, 100, context.temp_dir())).unwrap_err();
        assert!(error.to_string().contains("digits=\"characters\""), "{error}");
        let error = run(Store::within(0, u64::MAX, "/no/such".as_ref())).unwrap_err();
        assert!(matches!(&error, Error::Io { .. }), "{error}");
        context.cancel();
        assert!(matches!(run(Store::unbounded()), Err(Error::Cancelled)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_encoded_as_the_rules_say(
            text in "([天地玄黄a-c0-2，。 \u{200B}\u{AD}\u{301}\u{20000}😀]|\\PC){0,60}",
            every in 1_usize..9,
            spill: bool,
        ) {
            let (alphabet, context) = (Alphabet::default(), context(2));
            let (names, stream) = naive(&alphabet, &text);
            let held = if spill { 0 } else { u64::MAX };
            let store = Store::within(held, u64::MAX, context.temp_dir());
            let source = Box::new(blocks(&alphabet, &text, every));
            check(&encode_into(store, source, &alphabet, &context).unwrap(), &names, &stream);
        }
    }
}
