//! Detection of the likely encoding of bytes that are invalid in the declared one.

use encoding_rs::{BIG5, GB18030, UTF_8, UTF_16BE, UTF_16LE};

/// The number of bytes examined.
pub(super) const SAMPLE: usize = 4096;

/// Characters that make up about a fifth of any Chinese text, in both ways of writing.
const FREQUENT: &str = "的一是不了在人有我他这這为為之大来來以个個中上们們到说說国國和地也子时時道出而要于於就下得可你年生";

/// The name of the encoding, as the argument takes it, in which `bytes` read like text; none where
/// none does. `odd` says that they begin in the middle of a unit of 16 bits. O(1).
pub(super) fn guess(bytes: &[u8], odd: bool) -> Option<&'static str> {
    let bytes = &bytes[..bytes.len().min(SAMPLE)];
    let units = &bytes[usize::from(odd).min(bytes.len())..];
    let candidates = [
        ("utf-8", UTF_8, bytes),
        ("gb18030", GB18030, bytes),
        ("big5", BIG5, bytes),
        ("utf-16le", UTF_16LE, units),
        ("utf-16be", UTF_16BE, units),
    ];
    let scored = candidates.map(|(name, encoding, bytes)| (likeness(encoding, bytes), name));
    let (likeness, name) = scored.into_iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > 0.05).then_some(name)
}

/// How many of the characters that `bytes` stand for are frequent ones or plain ASCII, less what is
/// no text, as a share of all; 0 for less than eight characters.
fn likeness(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> f64 {
    let (text, _) = encoding.decode_without_bom_handling(bytes);
    let (mut good, mut all) = (0, 0);
    for character in text.chars() {
        all += 1;
        good += match character {
            '\u{FFFD}' | '\0' => -1,
            character if FREQUENT.contains(character) => 1,
            // ASCII reads alike in most encodings, so it tells little where it is not UTF-16.
            ' '..='~' if encoding == UTF_16LE || encoding == UTF_16BE => 1,
            _ => 0,
        };
    }
    if all < 8 { 0.0 } else { f64::from(good) / f64::from(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_other_encodings_is_recognised() {
        let simple = "今天的天气很不错，我们都在这里说话。他是一个中国人，也来了。";
        let traditional = "今天的天氣很不錯，我們都在這裡說話。他是一個中國人，也來了。";
        let utf16 = |text: &str, big: bool| -> Vec<u8> {
            let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            text.encode_utf16().flat_map(bytes).collect()
        };
        assert_eq!(guess(&GB18030.encode(simple).0, false), Some("gb18030"));
        assert_eq!(guess(&BIG5.encode(traditional).0, false), Some("big5"));
        assert_eq!(guess(simple.as_bytes(), false), Some("utf-8"));
        for text in [simple, traditional, "plain English text, all of it ASCII"] {
            assert_eq!(guess(&utf16(text, false), false), Some("utf-16le"));
            assert_eq!(guess(&utf16(text, true), false), Some("utf-16be"));
            assert_eq!(guess(&utf16(text, true)[1..], true), Some("utf-16be"));
        }
        assert_eq!(guess(&[0xFF; 100], false), None);
        assert_eq!(guess(b"", true), None);
    }
}
