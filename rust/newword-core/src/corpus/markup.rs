//! HTML in crawled text: tags, entities, comments, scripts, and the addresses that links leave behind.

use std::borrow::Cow;

use super::addresses::Addresses;
use super::alphabet::Alphabet;

/// The elements of HTML, current and obsolete. Anything else in angle brackets is text.
const ELEMENTS: [&str; 130] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "applet",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "basefont",
    "bdi",
    "bdo",
    "bgsound",
    "big",
    "blink",
    "blockquote",
    "body",
    "br",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hgroup",
    "hr",
    "html",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "keygen",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "marquee",
    "menu",
    "meta",
    "meter",
    "nav",
    "nobr",
    "noframes",
    "noscript",
    "object",
    "ol",
    "optgroup",
    "option",
    "output",
    "p",
    "param",
    "picture",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "script",
    "section",
    "select",
    "slot",
    "small",
    "source",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "track",
    "tt",
    "u",
    "ul",
    "var",
    "video",
    "wbr",
];

/// Inline elements: their tags are removed, those of all others break the text.
const INLINE: [&str; 13] =
    ["b", "big", "em", "font", "i", "mark", "s", "small", "strong", "sub", "sup", "u", "wbr"];

/// Symbols that are frequent in markup and rare in other text.
const TELLING: [&str; 17] = [
    "amp", "br", "com", "div", "gt", "href", "html", "http", "https", "img", "lt", "nbsp", "quot",
    "span", "src", "td", "www",
];

/// Whether a symbol is likely to come from markup or addresses.
pub(super) fn is_telling(symbol: &str) -> bool {
    symbol.len() <= 5
        && symbol.is_ascii()
        && TELLING.binary_search(&symbol.to_ascii_lowercase().as_str()).is_ok()
}

/// What began in one text and ends in a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Tag,
    Comment,
    /// An element whose content is no text.
    Hidden(&'static str),
}

/// Removes markup from texts.
#[derive(Debug, Clone, Default)]
pub(super) struct Markup {
    open: Option<Open>,
}

impl Markup {
    /// `text` without tags, comments, scripts and style sheets, URLs and e-mail addresses, which
    /// break it, and with entities as the characters they stand for. Borrows where there are none.
    /// O(n).
    ///
    /// A tag, comment or script may go on in the next text, as in the lines of a file, unless
    /// [`Markup::end`] comes between.
    pub(super) fn strip<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let mut stripped = self.without_tags(text);
        // Text is often escaped twice: once by its author, once by what stored it.
        for _ in 0..2 {
            if !stripped.contains('&') {
                break;
            }
            let plain = htmlize::unescape(&*stripped).into_owned();
            if plain == *stripped {
                break;
            }
            stripped = Cow::Owned(Self::default().without_tags(&plain).into_owned());
        }
        match without_addresses(&stripped) {
            Some(found) => Cow::Owned(found),
            None => stripped,
        }
    }

    /// The document ends, and with it all that is open.
    pub(super) fn end(&mut self) {
        self.open = None;
    }

    fn without_tags<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if self.open.is_none() && !text.contains('<') {
            return Cow::Borrowed(text);
        }
        let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
        if let Some(open) = self.open.take() {
            match open.end(rest) {
                Some(end) => rest = &rest[end..],
                // No tag holds another, or an empty line: this one never was a tag.
                None if open == Open::Tag && (rest.contains('<') || rest.trim().is_empty()) => {}
                None => {
                    self.open = Some(open);
                    return Cow::Borrowed("");
                }
            }
        }
        while let Some(start) = rest.find('<') {
            kept.push_str(&rest[..start]);
            rest = &rest[start..];
            let Some(found) = Found::at(rest) else {
                kept.push('<');
                rest = &rest[1..];
                continue;
            };
            if found.breaks {
                kept.push('\n');
            }
            let hidden = found.hides.map(Open::Hidden);
            for open in [Some(found.open), hidden].into_iter().flatten() {
                let Some(end) = open.end(rest) else {
                    self.open = Some(open);
                    return Cow::Owned(kept);
                };
                rest = &rest[end..];
            }
        }
        kept.push_str(rest);
        Cow::Owned(kept)
    }
}

impl Open {
    /// Where it ends in `text`.
    fn end(self, text: &str) -> Option<usize> {
        match self {
            Self::Tag => tag_end(text),
            Self::Comment => text.find("-->").map(|at| at + 3),
            Self::Hidden(element) => {
                let mut from = 0;
                while let Some(at) = text[from..].find("</") {
                    let name = from + at + 2;
                    if starts_with(&text[name..], element) {
                        return text[name..].find('>').map(|end| name + end + 1);
                    }
                    from = name;
                }
                None
            }
        }
    }
}

/// Where a tag ends, values in quotes aside.
fn tag_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'>', b'=', &bytes[at..]) {
        at += found + 1;
        if bytes[at - 1] == b'>' {
            return Some(at);
        }
        if let Some(&quote @ (b'"' | b'\'')) = bytes.get(at)
            && let Some(length) = memchr::memchr(quote, &bytes[at + 1..])
        {
            at += length + 2;
        }
    }
    None
}

/// Markup that begins with an angle bracket.
struct Found {
    open: Open,
    /// Whether it breaks the text.
    breaks: bool,
    /// The element whose content is removed too.
    hides: Option<&'static str>,
}

impl Found {
    /// The markup that `text` begins with.
    fn at(text: &str) -> Option<Self> {
        let inner = &text[1..];
        if inner.starts_with("!--") {
            return Some(Self { open: Open::Comment, breaks: true, hides: None });
        }
        if starts_with(inner, "!doctype") || starts_with(inner, "?xml") {
            return Some(Self { open: Open::Tag, breaks: true, hides: None });
        }
        let (closing, name) = match inner.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, inner),
        };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        if !matches!(name[end..].chars().next(), None | Some('>' | '/' | ' ' | '\t' | '\n' | '\r'))
        {
            return None;
        }
        let lower = name[..end.min(10)].to_ascii_lowercase();
        let element = ELEMENTS[ELEMENTS.binary_search(&lower.as_str()).ok()?];
        let hides = !closing && matches!(element, "script" | "style");
        Some(Self {
            open: Open::Tag,
            breaks: INLINE.binary_search(&element).is_err(),
            hides: hides.then_some(element),
        })
    }
}

/// Whether `text` starts with `ascii`, in any case.
fn starts_with(text: &str, ascii: &str) -> bool {
    text.as_bytes()
        .get(..ascii.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(ascii.as_bytes()))
}

/// `text` with a break in the place of each URL and e-mail address; none where there are none.
fn without_addresses(text: &str) -> Option<String> {
    if !text.contains(['.', ':', '@']) {
        return None;
    }
    let alphabet = Alphabet::default();
    let (mut addresses, mut kept) = (Addresses::default(), String::new());
    // What was copied so far, and where the units begin.
    let (mut copied, mut base) = (0, 0);
    let mut units = alphabet.units(text);
    while let Some(unit) = units.next() {
        let (start, end) = (base + unit.start, base + unit.end);
        if let Some(end) = unit.symbol.then(|| addresses.end(text, start, end)).flatten() {
            kept.push_str(&text[copied..start]);
            kept.push('\n');
            (copied, base) = (end, end);
            units = alphabet.units(&text[end..]);
        }
    }
    (copied > 0).then(|| kept + &text[copied..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strip(text: &str) -> String {
        let words: Vec<String> =
            Markup::default().strip(text).split_whitespace().map(str::to_owned).collect();
        words.join(" ")
    }

    #[test]
    fn lists_are_sorted() {
        assert!(ELEMENTS.is_sorted() && INLINE.is_sorted() && TELLING.is_sorted());
        assert!(
            is_telling("NBSP") && is_telling("http") && !is_telling("天") && !is_telling("text")
        );
    }

    #[test]
    fn tags_break_the_text_unless_they_are_within_words() {
        assert_eq!(strip("<p class=\"a>b\">今<b>天</b>天气</p>很<br/>好"), "今天天气 很 好");
        assert_eq!(strip("<A HREF='x'>首页</A><a>新闻</a>"), "首页 新闻");
        assert_eq!(strip("x<y>z，3<4，<天>，<>，<abc>，<"), "x<y>z，3<4，<天>，<>，<abc>，<");
        assert_eq!(
            strip("天<!-- 注 <b> -->地<SCRIPT>var a = '</b>';</script >玄<style>p{}</style>"),
            "天 地 玄"
        );
        assert_eq!(strip("<!DOCTYPE html><?xml version='1.0'?>天"), "天");
    }

    #[test]
    fn entities_are_the_characters_they_stand_for() {
        assert_eq!(strip("今&nbsp;天&#22825;&#x6C14;&hellip;caf&eacute;&copy;"), "今 天天气…café©");
        assert_eq!(strip("天&amp;nbsp;气&amp;lt;br&amp;gt;好"), "天 气 好");
        assert_eq!(strip("&lt;p&gt;天&lt;/p&gt;地"), "天 地");
        assert_eq!(strip("A&B，AT&T，&#1114112;天"), "A&B，AT&T，\u{FFFD}天");
    }

    #[test]
    fn addresses_break_the_text() {
        assert_eq!(strip("见http://t.cn/ab天气，a.b@c.com好www.x.com"), "见 天气， 好");
        assert_eq!(strip("时间10:30，v1.2，C++"), "时间10:30，v1.2，C++");
    }

    #[test]
    fn open_markup_continues_on_the_next_line() {
        let mut markup = Markup::default();
        let mut lines = |text: &str| {
            let lines: Vec<String> =
                text.lines().map(|l| markup.strip(l).trim().to_owned()).collect();
            markup.end();
            lines
        };
        assert_eq!(lines("天<div\nclass='a'\nid=b>地\n玄"), ["天", "", "地", "玄"]);
        assert_eq!(
            lines("天<!--\n注\n-->地<script>\nvar a;\n</script>玄"),
            ["天", "", "地", "", "玄"]
        );
        assert_eq!(lines("天<p\n\n地\n<b>玄"), ["天", "", "地", "玄"]);
        assert_eq!(lines("天<!--"), ["天"]);
        assert_eq!(lines("地"), ["地"]);
    }

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(Markup::default().strip("天地，玄黄：3.5%"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_text_takes_linear_time() {
        for piece in ["<", "<p ", "&", "&amp;", "<script>", "a.", "</", "<p a='"] {
            strip(&piece.repeat(200_000));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(texts in prop::collection::vec(
            "(<|>|/|p|!--|-->|script|&amp;|&|=\"|天|[a-z]|\\PC){0,20}", 0..4,
        )) {
            let mut markup = Markup::default();
            for text in &texts {
                let _ = markup.strip(text);
            }
        }

        #[test]
        fn text_without_markup_stays(text in "[天地a-c0-9，。 \u{20000}😀\u{301}]{0,40}") {
            prop_assert_eq!(&*Markup::default().strip(&text), &text);
        }
    }
}
