//! Knowledge bases against slow ones: lists that are searched from end to end.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::corpus::{TextBatch, expand};
use crate::support::{Context, Error, MemoryBudget, Result, Workers};

fn context() -> Context {
    Context::new(Some(2), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}

fn record(entity: &Entity) -> String {
    let Entity { id, name, aliases, types, attributes } = entity;
    json!({ "id": id, "name": name, "aliases": aliases, "types": types, "attributes": attributes })
        .to_string()
}

fn items(records: &[String]) -> Source<'static> {
    let mut batches: Vec<TextBatch> =
        records.chunks(3).rev().map(|some| some.iter().map(|one| &**one).collect()).collect();
    Source::Items(Box::new(move || Ok(batches.pop())))
}

fn options(normalization: Normalization) -> BuildOptions {
    BuildOptions { schema: Schema::Simple, normalization, skip_invalid: false }
}

fn build(
    folder: &Path,
    entities: &[Entity],
    normalization: Normalization,
) -> Result<KnowledgeBase> {
    let records: Vec<String> = entities.iter().map(record).collect();
    let path = folder.join("a.kb");
    KnowledgeBase::build(items(&records), &path, options(normalization), &context())?;
    KnowledgeBase::open(&path, true)
}

fn named(id: &str, name: &str, aliases: &[&str]) -> Entity {
    let aliases = aliases.iter().map(|&alias| alias.into()).collect();
    Entity { id: id.into(), name: name.into(), aliases, ..Entity::default() }
}

/// The names in `text` by start and end, each compared with every key.
fn slow_matches(
    text: &[char],
    keys: &BTreeSet<String>,
    normalization: Normalization,
) -> Vec<[u32; 2]> {
    let mut found = Vec::new();
    for start in 0..text.len() {
        for end in start + 1..=text.len() {
            let folded = text[start..end].iter().flat_map(|c| normalization.fold(*c));
            if keys.contains(&folded.collect::<String>()) {
                found.push([u32::try_from(start).unwrap(), u32::try_from(end).unwrap()]);
            }
        }
    }
    found
}

fn slow_longest(all: &[[u32; 2]]) -> Vec<[u32; 2]> {
    let mut found: Vec<[u32; 2]> = Vec::new();
    for span in all {
        match found.last_mut() {
            Some(last) if last[0] == span[0] => *last = *span,
            Some(last) if span[0] < last[1] => {}
            _ => found.push(*span),
        }
    }
    found
}

/// The best path up to `end`: uncovered characters, names, and which; of all ways to end.
fn slow_optimal(all: &[[u32; 2]], end: u32) -> (u32, u32, Vec<[u32; 2]>) {
    let Some(before) = end.checked_sub(1) else { return (0, 0, Vec::new()) };
    // The longest last name comes first, no name last: only what is better displaces.
    let last = all.iter().filter(|span| span[1] == end).map(|span| {
        let (uncovered, names, mut path) = slow_optimal(all, span[0]);
        path.push(*span);
        (uncovered, names + 1, path)
    });
    let (uncovered, names, path) = slow_optimal(all, before);
    let ways = last.chain([(uncovered + 1, names, path)]);
    ways.reduce(|best, way| if (way.0, way.1) < (best.0, best.1) { way } else { best }).unwrap()
}

fn text(most: usize) -> impl Strategy<Value = String> {
    let characters = "[ab天地ＡBİi\u{307}ß\u{20000}😀《》 ]";
    prop::collection::vec(characters, 0..most).prop_map(|characters| characters.concat())
}

fn normalization() -> impl Strategy<Value = Normalization> {
    any::<[bool; 3]>().prop_map(|[strip_brackets, fold_case, fold_width]| Normalization {
        strip_brackets,
        fold_case,
        fold_width,
    })
}

fn entities() -> impl Strategy<Value = Vec<Entity>> {
    let name = || text(5).prop_filter("no name", |name| !name.trim().is_empty());
    let one = (name(), prop::collection::vec(name(), 0..3), "[A-C]?", prop::option::of(text(9)));
    prop::collection::vec(one, 1..12).prop_map(|entities| {
        let entity =
            |(number, (name, aliases, kind, value)): (usize, (_, _, String, Option<_>))| {
                let attributes = value.into_iter().map(|value| ("属性P".into(), value)).collect();
                Entity {
                    id: format!("id{number}"),
                    name,
                    aliases,
                    types: vec![format!("T{kind}")],
                    attributes,
                }
            };
        entities.into_iter().enumerate().map(entity).collect()
    })
}

proptest! {
    #[test]
    fn look_ups_find_what_was_put_in(
        entities in entities(),
        others in prop::collection::vec(text(5), 0..9),
        normalization in normalization(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let base = build(folder.path(), &entities, normalization).unwrap();
        prop_assert_eq!(base.len(), entities.len());
        let names = |entity: &Entity| [vec![entity.name.clone()], entity.aliases.clone()].concat();
        let keys = |entity: &Entity| -> BTreeSet<String> {
            names(entity).iter().map(|name| normalization.key(name)).collect()
        };
        for (number, entity) in entities.iter().enumerate() {
            prop_assert_eq!(base.find(&entity.id), Some(number));
            prop_assert_eq!(base.id(number).unwrap(), &entity.id);
            prop_assert_eq!(&base.entity(number).unwrap(), entity);
            prop_assert_eq!(base.text(number).unwrap(), entity.text());
        }
        for name in entities.iter().flat_map(names).chain(others) {
            let expected: Vec<u32> = (0..)
                .zip(&entities)
                .filter(|(_, entity)| keys(entity).contains(&normalization.key(&name)))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(base.candidates(&name), expected, "{}", name);
        }
        prop_assert!(base.find("id").is_none() && base.entity(entities.len()).is_err());
        let distinct: BTreeSet<String> = entities.iter().flat_map(keys).collect();
        let owners = |key: &String| entities.iter().filter(|one| keys(one).contains(key)).count();
        let Summary { names, ambiguous_names, most_candidates, bytes, .. } = base.summary();
        prop_assert_eq!(names, distinct.len());
        prop_assert_eq!(ambiguous_names, distinct.iter().filter(|key| owners(key) > 1).count());
        prop_assert_eq!(most_candidates, distinct.iter().map(owners).max().unwrap());
        prop_assert_eq!(bytes as u64, folder.path().join("a.kb").metadata().unwrap().len());
    }

    #[test]
    fn matches_are_those_of_a_slow_search(
        entities in entities(),
        texts in prop::collection::vec(text(10), 0..6),
        normalization in normalization(),
        some in prop::option::of(any::<u64>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let base = build(folder.path(), &entities, normalization).unwrap();
        let names = entities.iter().flat_map(|one| std::iter::once(&one.name).chain(&one.aliases));
        let keys: BTreeSet<String> = names.map(|name| normalization.key(name)).collect();
        let is_in = |at: usize| some.is_none_or(|bits| bits >> (at % 64) & 1 == 1);
        let chosen = keys.iter().enumerate().filter(|(at, _)| is_in(*at)).map(|(_, key)| key.clone());
        let chosen: BTreeSet<String> = chosen.collect();
        // Names outside the base change nothing.
        let set = base.name_set(chosen.iter().chain(&texts).map(|key| &**key));
        prop_assert!(set.len() >= chosen.len());
        let set = base.name_set(chosen.iter().map(|key| &**key));
        prop_assert_eq!(set.len(), chosen.len());
        for key in &keys {
            prop_assert_eq!(base.contains(&set, key).unwrap(), chosen.contains(key));
        }
        let expected = |mode: Mode| -> Vec<Vec<[u32; 2]>> {
            let one = |text: &String| {
                let text: Vec<char> = text.chars().collect();
                let all = slow_matches(&text, &chosen, normalization);
                match mode {
                    Mode::All => all,
                    Mode::Longest => slow_longest(&all),
                    Mode::Optimal => slow_optimal(&all, u32::try_from(text.len()).unwrap()).2,
                }
            };
            texts.iter().map(one).collect()
        };
        for mode in [Mode::All, Mode::Longest, Mode::Optimal] {
            let workers = Workers::kept(Some(2)).unwrap();
            let set = some.map(|_| &set);
            let found = base.matches(&texts, mode, set, &workers).unwrap();
            let found: Vec<Vec<[u32; 2]>> =
                found.iter().flat_map(Matches::texts).map(<[_]>::to_vec).collect();
            prop_assert_eq!(found, expected(mode), "{:?}", mode);
        }
    }

    #[test]
    fn long_texts_match_as_their_blocks(
        names in prop::collection::btree_set("[ab天]{1,5}", 1..12),
        text in "[ab天地]{900,1600}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let entities: Vec<Entity> =
            names.iter().enumerate().map(|(at, name)| named(&at.to_string(), name, &[])).collect();
        let base = build(folder.path(), &entities, Normalization::default()).unwrap();
        let characters: Vec<char> = text.chars().collect();
        let mut all = Vec::new();
        for start in 0..characters.len() {
            for end in start + 1..=characters.len().min(start + 5) {
                if names.contains(&characters[start..end].iter().collect::<String>()) {
                    all.push([u32::try_from(start).unwrap(), u32::try_from(end).unwrap()]);
                }
            }
        }
        let texts = [&*text];
        let find = |mode| base.matches(&texts, mode, None, &Workers::caller()).unwrap();
        prop_assert_eq!(&find(Mode::All)[0].spans, &all);
        prop_assert_eq!(&find(Mode::Longest)[0].spans, &slow_longest(&all));
        // The cost of the best path, by another recursion: from the right.
        let mut best = vec![(0_usize, 0_usize); characters.len() + 1];
        for start in (0..characters.len()).rev() {
            let uncovered = (best[start + 1].0 + 1, best[start + 1].1);
            let names = all.iter().filter(|span| span[0] as usize == start);
            let names = names.map(|span| (best[span[1] as usize].0, best[span[1] as usize].1 + 1));
            best[start] = names.chain([uncovered]).min().unwrap();
        }
        let spans = &find(Mode::Optimal)[0].spans;
        prop_assert!(spans.windows(2).all(|pair| pair[0][1] <= pair[1][0]));
        prop_assert!(spans.iter().all(|span| all.contains(span)));
        let covered: usize = spans.iter().map(|span| (span[1] - span[0]) as usize).sum();
        prop_assert_eq!((characters.len() - covered, spans.len()), best[0]);
    }

    #[test]
    fn added_records_are_as_those_of_one_build(
        entities in entities(),
        cut in any::<prop::sample::Index>(),
        normalization in normalization(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (whole, grown) = (folder.path().join("a.kb"), folder.path().join("b.kb"));
        build(folder.path(), &entities, normalization).unwrap();
        let expected = std::fs::read(&whole).unwrap();
        let (first, rest) = entities.split_at(1 + cut.index(entities.len()));
        let base = build(folder.path(), first, normalization).unwrap();
        let records: Vec<String> = rest.iter().map(record).collect();
        base.add(items(&records), &grown, Schema::Simple, false, &context()).unwrap();
        prop_assert_eq!(std::fs::read(grown).unwrap(), expected);
        let again = [record(&entities[0])];
        let error = base.add(items(&again), &whole, Schema::Simple, false, &context()).unwrap_err();
        let message = "source[0]: the id must be new, entity 1 has it already, got \"id0\"";
        prop_assert_eq!(error.to_string(), message);
    }

    #[test]
    fn whatever_a_file_holds_look_ups_end(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        everywhere in prop::option::of(any::<u8>()),
        text in text(30),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let entities = [named("1", "天地", &["ab"]), named("2", "天", &["天地", "地İ"])];
        build(folder.path(), &entities, Normalization::default()).unwrap();
        let path = folder.path().join("a.kb");
        let mut bytes = std::fs::read(&path).unwrap();
        // The table of characters and all that follows it.
        let start = bytes.len().saturating_sub((1 << 18) + 4096).max(2048);
        if let Some(byte) = everywhere {
            bytes[start..].fill(byte);
        }
        for (at, byte) in changes {
            let place = start + at.index(bytes.len() - start);
            bytes[place] = byte;
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(base) = KnowledgeBase::open(&path, false) {
            let names = base.name_set(["天地", "ab", &text].into_iter());
            for mode in [Mode::All, Mode::Longest, Mode::Optimal] {
                for names in [None, Some(&names)] {
                    let found = base.matches(&[&text, "天地ab"], mode, names, &Workers::caller());
                    for span in found.unwrap()[0].texts().next().unwrap() {
                        prop_assert!(span[0] < span[1] && span[1] as usize <= text.chars().count());
                    }
                }
            }
            let _ = (base.candidates("天地"), base.find("1"), base.id(1), base.entity(0));
        }
    }
}

#[test]
fn ties_go_to_the_longest_last_name() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [named("1", "ab", &["bc", "a", "cd"])];
    let base = build(folder.path(), &entities, Normalization::default()).unwrap();
    let find = |text| {
        base.matches(&[text], Mode::Optimal, None, &Workers::caller()).unwrap()[0].spans.clone()
    };
    assert_eq!(find("abc"), [[0, 1], [1, 3]]);
    assert_eq!(find("xbcdx"), [[2, 4]]);
    assert_eq!(find("xabcdx"), [[1, 3], [3, 5]]);
    assert!(find("").is_empty() && find("xyz").is_empty());
}

#[test]
fn offsets_are_those_of_the_original_text() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [named("1", "《İstanbul》", &[]), named("2", "ｉ", &["Straße"])];
    let base = build(folder.path(), &entities, Normalization::default()).unwrap();
    let find = |text: &str| {
        let found = base.matches(&[text], Mode::All, None, &Workers::caller()).unwrap();
        let characters: Vec<char> = text.chars().collect();
        let word =
            |[start, end]: &[u32; 2]| characters[*start as usize..*end as usize].iter().collect();
        found[0].spans.iter().map(word).collect::<Vec<String>>()
    };
    // The first of the two characters that İ stands for is no name.
    assert_eq!(find("在İSTANBUL和i\u{307}stanbul"), ["İSTANBUL", "i", "i\u{307}stanbul"]);
    assert_eq!(find("ßSTRASSE Ｉ"), ["STRASSE", "Ｉ"]);
}

#[test]
fn lines_of_files_are_read_and_wrong_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let build = |text: &[u8]| {
        std::fs::write(path("in.jsonl"), text).unwrap();
        let source = Source::Files(expand([path("in.jsonl").to_str().unwrap()]).unwrap());
        KnowledgeBase::build(source, &path("a.kb"), options(Normalization::default()), &context())?;
        KnowledgeBase::open(&path("a.kb"), true)
    };
    let good =
        "\u{feff}{\"id\": \"1\", \"name\": \"天\"}\r\n\n  \n{\"id\": \"2\", \"name\": \"天\"}";
    assert_eq!(build(good.as_bytes()).unwrap().candidates("天"), [0, 1]);
    let bad = |rest: &[u8], message: &str| {
        let text = [good.as_bytes(), b"\n", rest].concat();
        let error = build(&text).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error}");
        let error = error.to_string();
        assert!(error.contains("in.jsonl: line 5: ") && error.contains(message), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    };
    bad(b"{\"id\": \"3\"", "must be a JSON object, got {\"id\": \"3\" (EOF while parsing");
    bad(b"{\"id\": \"3\"}", "\"name\" must be among the members, got ");
    bad(b"{\"id\": \"1\", \"name\": \"b\"}", "the id must be new, entity 1 has it already");
    bad(b"{\"id\": \"3\", \"name\": \"\xff\"}", "must be UTF-8, got ");
    assert!(matches!(build(b" \n"), Err(Error::Corpus(_))));
    let twice = [b"\xff\n[]\n", good.as_bytes(), b"\n", good.as_bytes()].concat();
    std::fs::write(path("in.jsonl"), twice).unwrap();
    let source = Source::Files(expand([path("in.jsonl").to_str().unwrap()]).unwrap());
    let skipping = BuildOptions { skip_invalid: true, ..options(Normalization::default()) };
    let skipped = KnowledgeBase::build(source, &path("a.kb"), skipping, &context()).unwrap();
    // A byte-order mark is one at the start of a file only; so the first entity is never read.
    assert_eq!(skipped.count, 5);
    assert!(skipped.first.unwrap().contains("in.jsonl: line 1: must be UTF-8, got "));
    assert_eq!(KnowledgeBase::open(&path("a.kb"), true).unwrap().len(), 1);
    let none = Source::Items(Box::new(|| Ok(None)));
    let failed =
        KnowledgeBase::build(none, &path("no/a.kb"), options(Normalization::default()), &context());
    assert!(matches!(failed, Err(Error::Io { .. })));
}

#[test]
fn a_cancelled_build_stops_and_sets_belong_to_their_base() {
    let folder = tempfile::tempdir().unwrap();
    let base = build(folder.path(), &[named("1", "天", &[])], Normalization::default()).unwrap();
    let context = context();
    context.cancel();
    let records: Vec<String> = [record(&named("1", "天", &[]))].into();
    let path = folder.path().join("b.kb");
    let stopped =
        KnowledgeBase::build(items(&records), &path, options(Normalization::default()), &context);
    assert!(matches!(stopped, Err(Error::Cancelled)));
    let other = tempfile::tempdir().unwrap();
    let other = build(other.path(), &[named("1", "地", &[])], Normalization::default()).unwrap();
    assert_ne!(base.fingerprint(), other.fingerprint());
    let set = other.name_set(["地"].into_iter());
    let error = base.matches(&["地"], Mode::All, Some(&set), &Workers::caller()).unwrap_err();
    assert!(error.to_string().starts_with("dictionary: must be a set of names of this"), "{error}");
}
