//! A text that lies elsewhere, such as on a cluster: questions about it are answered in sums.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::support::wire::{put, put_names};
use crate::support::{Error, Result, keyed};

/// What goes through a text that is not here.
pub trait Remote: Sync {
    /// Goes through the whole text once with all questions of a request, and returns the sums of the answers, added up
    /// over all parts, as [`keyed::each`] reads them. Words that occur fewer than `min_count` times may be
    /// left out; [`Key::is_word`] tells them.
    ///
    /// # Errors
    /// What the other side meets; [`Error::Cancelled`].
    fn pass(&self, request: &[u8], min_count: u64) -> Result<Vec<u8>>;
}

/// A text elsewhere, and what is asked of it. Questions wait for each other: the next pass answers all of them.
pub struct Elsewhere<'c> {
    remote: &'c dyn Remote,
    /// Of the symbols, by label from 1.
    names: Vec<&'c str>,
    asked: Mutex<Asked>,
}

#[derive(Default)]
struct Asked {
    waiting: Vec<Waiting>,
    /// By question, those that wait left out.
    answers: Vec<Answer>,
}

struct Waiting {
    question: Vec<u8>,
    min_count: u64,
}

/// What was counted.
pub type Answer = Vec<(Key, u64)>;

/// A question that was asked.
#[derive(Debug)]
pub struct Question(usize);

impl<'c> Elsewhere<'c> {
    /// `names` are those of the symbols by label from 1.
    pub fn new(remote: &'c dyn Remote, names: Vec<&'c str>) -> Self {
        Self { remote, names, asked: Mutex::default() }
    }

    /// Asks with the next pass. Words that occur fewer than `min_count` times need not be told; None where none
    /// are asked for.
    pub fn ask(&self, question: Vec<u8>, min_count: Option<u64>) -> Question {
        let mut asked = self.lock();
        let min_count = min_count.unwrap_or(u64::MAX);
        asked.waiting.push(Waiting { question, min_count });
        Question(asked.answers.len() + asked.waiting.len() - 1)
    }

    /// The answer. Goes through the text if the question still waits.
    ///
    /// # Errors
    /// As [`Remote::pass`]; [`Error::Corpus`] for what is no answer.
    pub fn answer(&self, question: &Question) -> Result<Answer> {
        let mut asked = self.lock();
        if question.0 >= asked.answers.len() {
            let waiting = std::mem::take(&mut asked.waiting);
            asked.answers.extend(self.answers(&waiting)?);
        }
        Ok(std::mem::take(&mut asked.answers[question.0]))
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answers(&self, waiting: &[Waiting]) -> Result<Vec<Answer>> {
        let mut request = Vec::new();
        put_names(&mut request, self.names.iter().copied());
        for Waiting { question, .. } in waiting {
            put(&mut request, question);
        }
        let min_count = waiting.iter().map(|waiting| waiting.min_count).min().unwrap_or(0);
        let mut answers = vec![Answer::new(); waiting.len()];
        keyed::each(&self.remote.pass(&request, min_count)?, |key, sum| {
            let (place, key) = Key::from_bytes(key)?;
            let count = u64::try_from(sum).map_err(|_| damaged())?;
            answers.get_mut(usize::from(place)).ok_or_else(damaged)?.push((key, count));
            Ok(())
        })?;
        Ok(answers)
    }
}

/// What a count in an answer is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A node of the trie that was sent.
    Node(u32),
    /// A symbol, by its label.
    Label(u32),
    /// A total, by its place.
    Total(u32),
    /// A word, by its labels.
    Word(Vec<u32>),
    /// A word of the second set, by its labels.
    Long(Vec<u32>),
}

impl Key {
    /// Keys of words begin with this byte or a larger one, others with a smaller one.
    const WORDS: u8 = 3;

    /// Whether these bytes are the key of a word.
    pub fn is_word(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|kind| *kind >= Self::WORDS)
    }

    /// The key as bytes, in the answer to the question at `place` of the request. They rise as the numbers do.
    pub fn to_bytes(&self, place: u8) -> Vec<u8> {
        let (kind, numbers) = match self {
            Self::Node(number) => (0, std::slice::from_ref(number)),
            Self::Label(number) => (1, std::slice::from_ref(number)),
            Self::Total(number) => (2, std::slice::from_ref(number)),
            Self::Word(labels) => (3, &labels[..]),
            Self::Long(labels) => (4, &labels[..]),
        };
        let numbers = numbers.iter().flat_map(|number| number.to_be_bytes());
        [kind, place].into_iter().chain(numbers).collect()
    }

    /// Reads what [`Key::to_bytes`] wrote: the place of the question and the key.
    ///
    /// # Errors
    /// [`Error::Corpus`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<(u8, Self)> {
        let ([kind, place], rest) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let (numbers, []) = rest.as_chunks::<4>() else { return Err(damaged()) };
        let numbers: Vec<u32> = numbers.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
        let key = match (kind, &numbers[..]) {
            (0, [number]) => Self::Node(*number),
            (1, [number]) => Self::Label(*number),
            (2, [number]) => Self::Total(*number),
            (3, [_, ..]) => Self::Word(numbers),
            (4, [_, ..]) => Self::Long(numbers),
            _ => return Err(damaged()),
        };
        Ok((*place, key))
    }
}

/// The error of an answer that is none.
pub fn damaged() -> Error {
    Error::Corpus("the answer to a pass is damaged".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::keyed::in_groups;
    use crate::support::wire::Arrays;

    #[test]
    fn keys_lead_back_and_rise() {
        let words = [vec![1, 2, 70_000], vec![1, 3], vec![9]];
        let long = words.clone().map(Key::Long);
        let numbers = [0, 7, 255, 256, u32::MAX];
        let mut keys: Vec<Key> = numbers.into_iter().map(Key::Node).collect();
        keys.extend(numbers.into_iter().map(Key::Label).chain(numbers.into_iter().map(Key::Total)));
        keys.extend(words.map(Key::Word).into_iter().chain(long));
        let bytes: Vec<Vec<u8>> = keys.iter().map(|key| key.to_bytes(5)).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in keys.into_iter().zip(bytes) {
            assert_eq!(Key::is_word(&bytes), matches!(key, Key::Word(_) | Key::Long(_)));
            assert_eq!(Key::from_bytes(&bytes).unwrap(), (5, key));
        }
        for wrong in [&[][..], &[0], &[3, 0], &[9, 0, 0, 0, 0, 0], &[0, 0, 1, 2, 3], &[1; 7]] {
            assert!(Key::from_bytes(wrong).is_err());
        }
        assert!(!Key::is_word(&[]));
    }

    /// Answers each question with its own bytes, and notes the requests.
    #[derive(Default)]
    struct Echo(Mutex<Vec<(usize, u64)>>);

    impl Remote for Echo {
        fn pass(&self, request: &[u8], min_count: u64) -> Result<Vec<u8>> {
            let mut arrays = Arrays(request);
            assert_eq!(arrays.names().unwrap(), ["天".into(), "地".into()]);
            let mut sums = Vec::new();
            while !arrays.0.is_empty() {
                let place = u8::try_from(sums.len()).unwrap();
                let [label] = arrays.take::<u8>().unwrap()[..] else { panic!() };
                sums.push((Key::Label(label.into()).to_bytes(place), 10 + u128::from(label)));
            }
            self.0.lock().unwrap().push((sums.len(), min_count));
            Ok(in_groups(sums, 1).into_iter().flat_map(|(_, piece)| piece).collect())
        }
    }

    #[test]
    fn questions_wait_for_a_pass() {
        let echo = Echo::default();
        let text = Elsewhere::new(&echo, vec!["天", "地"]);
        let first = text.ask(vec![1], Some(7));
        let second = text.ask(vec![2], None);
        assert_eq!(text.answer(&second).unwrap(), [(Key::Label(2), 12)]);
        let third = text.ask(vec![3], Some(4));
        assert_eq!(text.answer(&first).unwrap(), [(Key::Label(1), 11)]);
        assert_eq!(text.answer(&third).unwrap(), [(Key::Label(3), 13)]);
        assert_eq!(*echo.0.lock().unwrap(), [(2, 7), (1, 4)]);
    }

    /// Answers what nobody asked.
    struct Wrong(Vec<u8>);

    impl Remote for Wrong {
        fn pass(&self, _: &[u8], _: u64) -> Result<Vec<u8>> {
            Ok(in_groups([(&self.0, 1)], 1).remove(0).1)
        }
    }

    #[test]
    fn a_wrong_answer_is_an_error() {
        for key in [vec![9, 0], Key::Label(1).to_bytes(1)] {
            let wrong = Wrong(key);
            let text = Elsewhere::new(&wrong, Vec::new());
            assert!(text.answer(&text.ask(Vec::new(), None)).is_err());
        }
    }
}
