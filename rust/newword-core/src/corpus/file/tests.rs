//! Files of every kind, through the source and the encoder.

use std::fs;
use std::io::Write;

use super::*;
use crate::corpus::Format;
use crate::corpus::{Alphabet, EncodedCorpus, Encoding, RunMode, encode, expand};
use crate::support::{Error, MemoryBudget};

const DOCUMENTS: DocumentOptions = DocumentOptions { drop_duplicates: true, strip_html: false };

fn context() -> Context {
    Context::new(Some(2), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}

/// Everything a source hands out, with a `|` where a block continues in the next.
fn text_of(mut source: FileSource) -> Result<(String, ReadReport)> {
    let context = context();
    let mut text = String::new();
    while let Some(block) = source.next_block(&context)? {
        text.push_str(&block.text);
        text.push_str(if block.continues { "|" } else { "" });
    }
    Ok((text, source.report()))
}

/// Reads files with these contents, in order.
fn read(contents: &[&[u8]], options: ReadOptions) -> Result<(String, ReadReport)> {
    let folder = tempfile::tempdir().unwrap();
    let mut inputs = Vec::new();
    for (number, content) in contents.iter().enumerate() {
        let path = folder.path().join(format!("{number:05}"));
        fs::write(&path, content).unwrap();
        inputs.push(Input::File(path));
    }
    text_of(FileSource::new(inputs, options))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 1).unwrap()
}

#[test]
fn empty_files_and_open_lines_end_in_breaks() {
    let files: &[&[u8]] = &[b"", "天".as_bytes(), b"\n\n", "地\r\n".as_bytes(), b"\xEF\xBB\xBF"];
    let (text, report) = read(files, ReadOptions::default()).unwrap();
    assert_eq!(text, "天\n\n\n地\r\n");
    assert_eq!((report.files, report.bytes, report.documents), (5, 13, 2));
    assert_eq!(read(&[], ReadOptions::default()).unwrap().0, "");
}

#[test]
fn compression_is_known_by_its_first_bytes() {
    let line = "天地玄黄\n".repeat(100_000);
    for pack in [gzip, xz, zstd] {
        let twice = [pack(line.as_bytes()), pack("宇宙".as_bytes())].concat();
        let (text, report) = read(&[&twice], ReadOptions::default()).unwrap();
        assert!(text == format!("{line}宇宙\n"));
        assert_eq!(report.bytes, line.len() as u64 + 6);
        let whole = pack(line.as_bytes());
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].fill(0x55);
        for broken in [&whole[..whole.len() - 5], &damaged] {
            // What is decompressed of a damaged file may be no text before it is found out.
            let error = read(&[broken], ReadOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Io { .. } | Error::Decode { .. }), "{error}");
            assert!(error.to_string().contains("/00000: "), "{error}");
        }
    }
}

#[test]
fn encodings_and_byte_order_marks() {
    let text = "天气，𠀀 fine\n".repeat(60_000);
    let utf16 = |big: bool| -> Vec<u8> {
        let units = text.encode_utf16();
        units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    let gb = encoding_rs::GB18030.encode(&text).0.into_owned();
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let check = |bytes: &[u8], encoding| {
        let options = ReadOptions { encoding, ..ReadOptions::default() };
        // A byte more in front moves what chunks cut apart.
        assert!(read(&[bytes], options).unwrap().0 == text, "{encoding:?}");
    };
    check(&gb, Encoding::Gb18030);
    check(&marked(&[0x84, 0x31, 0x95, 0x33], &gb), Encoding::Gb18030);
    check(&marked(&[0xEF, 0xBB, 0xBF], text.as_bytes()), Encoding::Big5);
    check(&utf16(false), Encoding::Utf16Le);
    check(&utf16(true), Encoding::Utf16Be);
    check(&marked(&[0xFF, 0xFE], &utf16(false)), Encoding::Utf8);
    check(&marked(&[0xFE, 0xFF], &utf16(true)), Encoding::Utf16Le);
    for shift in 1..4 {
        let options = ReadOptions { encoding: Encoding::Gb18030, ..ReadOptions::default() };
        let shifted = marked(&b"aaa"[..shift], &gb);
        assert!(read(&[&shifted], options).unwrap().0[shift..] == text);
    }
    let options = ReadOptions { encoding: Encoding::Big5, ..ReadOptions::default() };
    assert_eq!(read(&[b"\xA4\xD1\xA6a\n"], options).unwrap().0, "天地\n");
}

#[test]
fn bad_bytes_have_exact_offsets() {
    let chunk = usize::try_from(CHUNK).unwrap();
    for at in [0, 5, chunk - 2, chunk - 1, chunk, chunk + 1, 3 * chunk] {
        for (bad, encoding, name) in [
            (&b"\xFF"[..], Encoding::Utf8, "UTF-8"),
            (b"\xE5\xA4", Encoding::Utf8, "UTF-8"),
            (b"\xED\xA0\x80", Encoding::Utf8, "UTF-8"),
            (b"\xFF", Encoding::Gb18030, "gb18030"),
            (b"\x81\x30\x81", Encoding::Gb18030, "gb18030"),
        ] {
            let mut bytes = vec![b'a'; at];
            bytes.extend_from_slice(bad);
            bytes.extend_from_slice(b"\nb\n");
            for bytes in [gzip(&bytes), bytes] {
                let options = ReadOptions { encoding, ..ReadOptions::default() };
                match read(&[b"x\n", &bytes], options).unwrap_err() {
                    Error::Decode { place, offset, encoding, .. } => {
                        assert_eq!((offset, encoding.as_str()), (at as u64, name));
                        assert!(place.ends_with("00001"));
                    }
                    other => panic!("{other}"),
                }
            }
        }
    }
    let error = read(&["天".as_bytes().split_last().unwrap().1], ReadOptions::default());
    assert!(matches!(error, Err(Error::Decode { offset: 0, .. })));
    let marked = read(&[b"\xEF\xBB\xBFab\xFF"], ReadOptions::default());
    assert!(matches!(marked, Err(Error::Decode { offset: 5, .. })));
}

#[test]
fn bad_bytes_are_replaced_or_their_lines_skipped() {
    let bytes = b"one\nt\xFFw\xFEo\n\nthree\nfo\xE5";
    let with = |on_invalid| ReadOptions { on_invalid, ..ReadOptions::default() };
    let (text, report) = read(&[bytes, b"five"], with(OnInvalid::Replace)).unwrap();
    assert_eq!(text, "one\nt\u{FFFD}w\u{FFFD}o\n\nthree\nfo\u{FFFD}\nfive\n");
    assert_eq!((report.replaced, report.skipped, report.documents), (3, 0, 5));
    let (text, report) = read(&[bytes, b"five"], with(OnInvalid::SkipLine)).unwrap();
    assert_eq!(text, "one\nthree\nfive\n");
    assert_eq!((report.replaced, report.skipped, report.documents), (0, 2, 3));
    let long = [b"ok\n\xFF", "天".repeat(300_000).as_bytes(), b"\nok\n"].concat();
    assert_eq!(read(&[&long], with(OnInvalid::SkipLine)).unwrap().0, "ok\nok\n");
}

#[test]
fn records_and_duplicates() {
    let lines = "{\"t\": \"天\\n地\"}\n\n{\"t\": \"玄\", \"u\": 1}\r\n{\"t\": \"天\\n地\"}";
    let options = ReadOptions {
        format: Format::Jsonl { field: "t".into() },
        documents: DOCUMENTS,
        ..ReadOptions::default()
    };
    let (text, report) = read(&[lines.as_bytes(), b"{\"t\":\"\"}"], options.clone()).unwrap();
    assert_eq!(text, "天\n地\n玄\n");
    assert_eq!((report.documents, report.duplicates), (3, 1));
    let bad = format!("{lines}\n[1]\n");
    let error = read(&[b"", bad.as_bytes()], options).unwrap_err().to_string();
    assert!(error.contains("00001: line 5: not a JSON object"), "{error}");
    let options = ReadOptions { documents: DOCUMENTS, ..ReadOptions::default() };
    let (text, report) = read(&["天\n地\r\n天\n\n".as_bytes(), "地".as_bytes()], options).unwrap();
    assert_eq!(text, "天\n地\n");
    assert_eq!((report.documents, report.duplicates), (4, 2));
}

#[test]
fn rows_of_tables() {
    let options = |errors| ReadOptions {
        format: Format::Csv { field: "t".into() },
        on_invalid: errors,
        documents: DOCUMENTS,
        ..ReadOptions::default()
    };
    let table = "\u{FEFF}id,t\n1,天\n2,\"地\n玄\"\n3,\n4,天\n";
    let (text, report) = read(&[table.as_bytes(), b"t\n"], options(OnInvalid::Error)).unwrap();
    assert_eq!(text, "天\n地\n玄\n");
    assert_eq!((report.documents, report.duplicates), (3, 1));
    let short = read(&[b"id,t\n1,a\n\n2\n"], options(OnInvalid::Error)).unwrap_err().to_string();
    assert!(
        short.ends_with(": line 4: the row must reach the column of the text, got 1 field"),
        "{short}"
    );
    let bad = b"id,t\n1,\"a\xFF\nb\"\n2\n3,c\n";
    assert!(matches!(
        read(&[bad], options(OnInvalid::Error)),
        Err(Error::Decode { offset: 9, .. })
    ));
    let (text, report) = read(&[bad], options(OnInvalid::SkipLine)).unwrap();
    assert_eq!((text.as_str(), report.skipped), ("c\n", 2));
    let many = (0..100_000).map(|n| format!("{n},天{n}")).collect::<Vec<_>>().join("\n");
    let (text, report) =
        read(&[format!("id,t\n{many}").as_bytes()], options(OnInvalid::Error)).unwrap();
    assert_eq!((text.lines().count(), report.documents), (100_000, 100_000));
}

#[test]
fn bytes_in_another_encoding_say_which() {
    let text = "plain text, all of it ASCII; 今天的天气很不错，我们都在这里说话。";
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text[..26].encode_utf16().flat_map(u16::to_be_bytes).collect();
    let gb = encoding_rs::GB18030.encode(text).0.into_owned();
    for (bytes, name) in [(le, "utf-16le"), (be, "utf-16be"), (gb, "gb18030")] {
        let error = read(&[&bytes], ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains(&format!("read like encoding=\"{name}\"")), "{error}");
    }
    let gb = ReadOptions { encoding: Encoding::Gb18030, ..ReadOptions::default() };
    let odd = [text.as_bytes(), b"\xFF"].concat();
    assert!(!read(&[&odd], gb).unwrap_err().to_string().contains("gb18030\""));
}

#[test]
fn many_empty_lines_and_tiny_files_take_linear_time() {
    let (text, report) = read(&[&vec![b'\n'; 1 << 20]], ReadOptions::default()).unwrap();
    assert_eq!((text.len(), report.documents), (1 << 20, 0));
    let tiny = vec!["天地".as_bytes(); 10_000];
    let (text, report) = read(&tiny, ReadOptions::default()).unwrap();
    assert_eq!((text.len(), report.files, report.documents), (70_000, 10_000, 10_000));
}

/// The stream of a corpus, as words with breaks as spaces.
fn stream(corpus: &EncodedCorpus) -> String {
    let (mut all, mut part_ids) = (String::new(), Vec::new());
    for part in 0..corpus.parts() {
        let own = corpus.load(part, 0, &mut part_ids).unwrap();
        for &id in &part_ids[own] {
            all.push_str(if id == 0 { "\n" } else { corpus.symbols().name(id) });
        }
    }
    all
}

#[test]
fn a_line_longer_than_blocks_is_read_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.txt");
    let pieces = ["天地玄黄か\u{3099}宇宙", "abcdefgh1", "한국어1２", "a", "天，e\u{301}①2ﾊﾞ", "9"];
    for piece in pieces {
        let text = piece.repeat(3_000_000 / piece.len());
        fs::write(&path, &text).unwrap();
        for (letters, nfkc) in
            [(RunMode::Unit, false), (RunMode::Unit, true), (RunMode::Characters, true)]
        {
            let alphabet = Alphabet { letters, digits: letters, nfkc, ..Alphabet::default() };
            let inputs = expand([path.to_str().unwrap()]).unwrap();
            let source = FileSource::new(inputs, ReadOptions::default());
            let corpus = encode(Box::new(source), &alphabet, &context()).unwrap();
            assert_eq!(corpus.report().documents, 1);
            let whole = EncodedCorpus::from_texts([text.as_str()], &alphabet).unwrap();
            assert_eq!(corpus.counts(), whole.counts(), "{piece}");
            assert!(stream(&corpus) == stream(&whole), "{piece}");
        }
    }
}

#[test]
fn progress_reaches_the_size_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let packed = gzip("天地玄黄\n".repeat(1_000_000).as_bytes());
    fs::write(folder.path().join("a.txt.gz"), &packed).unwrap();
    let source =
        FileSource::new(expand([folder.path().to_str().unwrap()]).unwrap(), ReadOptions::default());
    let context = context();
    encode(Box::new(source), &Alphabet::default(), &context).unwrap();
    let size = packed.len() as u64;
    assert_eq!(context.progress().read(), (crate::support::Stage::Reading, size, size));
}

#[test]
fn errors_name_a_file_that_cannot_be_opened() {
    let source = FileSource::new(vec![Input::File("/no/such.txt".into())], ReadOptions::default());
    let error = text_of(source).unwrap_err().to_string();
    assert!(error.starts_with("/no/such.txt: cannot open: "), "{error}");
}

#[cfg(unix)]
#[test]
fn a_pipe_without_a_writer_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let context = context();
    let cancel = context.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(150));
        cancel.cancel();
    });
    let mut source = FileSource::new(vec![Input::File(path.clone())], ReadOptions::default());
    assert!(matches!(source.next_block(&context), Err(Error::Cancelled)));
    canceller.join().unwrap();

    let writer = path.clone();
    let writer = std::thread::spawn(move || fs::write(writer, "天地").unwrap());
    let source = FileSource::new(vec![Input::File(path)], ReadOptions::default());
    assert_eq!(text_of(source).unwrap().0, "天地\n");
    writer.join().unwrap();
}
