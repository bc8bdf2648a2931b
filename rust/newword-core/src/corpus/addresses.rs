//! URLs and e-mail addresses in running text.
//!
//! Chinese text follows an address directly, without a space, so an address holds ASCII only and
//! leaves out the punctuation at its end. A domain without a scheme must begin with `www.` or end in
//! a top-level domain that no file and no member of a program is named by.

use std::ops::Range;

const SCHEMES: [&str; 3] = ["http", "https", "ftp"];

/// The top-level domains by which a domain is known without a scheme.
const TOP_LEVEL: [&str; 22] = [
    "com", "cn", "net", "org", "edu", "gov", "mil", "info", "biz", "io", "tv", "cc", "hk", "tw",
    "mo", "jp", "kr", "uk", "de", "fr", "ru", "eu",
];

/// A search for addresses in one text, from left to right. Each byte is read a bounded number of
/// times, whatever the text.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// The part before the sign at that was read last, and where the address ends if it is one.
    local: (Range<usize>, Option<usize>),
    /// The dotted name that was read last.
    host: Host,
}

/// Labels joined by single dots.
#[derive(Debug, Clone, Default)]
struct Host {
    range: Range<usize>,
    /// Where the last label begins.
    last: usize,
    /// Whether the last label can be a top-level domain: two letters or more.
    is_alphabetic: bool,
    is_listed: bool,
}

impl Addresses {
    /// Where the address ends that begins at byte `start`, the first of a run of letters or digits
    /// that ends at `run_end`. Starts must not fall from call to call.
    #[inline]
    pub fn end(&mut self, text: &str, start: usize, run_end: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let next = *bytes.get(run_end)?;
        let goes_on = next.is_ascii_alphanumeric() || b".-_%+@:".contains(&next);
        if !goes_on || !bytes[start].is_ascii_alphanumeric() {
            return None;
        }
        self.find(bytes, start, run_end)
    }

    fn find(&mut self, bytes: &[u8], start: usize, run_end: usize) -> Option<usize> {
        if bytes[run_end] == b':' {
            return url(bytes, start, run_end);
        }
        self.email(bytes, start).or_else(|| self.domain(bytes, start))
    }

    fn email(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        if !self.local.0.contains(&start) {
            let dotted = run(bytes, start, |byte| b"_%+-".contains(&byte));
            let at_sign = bytes.get(dotted) == Some(&b'@') && bytes[dotted - 1] != b'.';
            let host = at_sign.then(|| Host::read(bytes, dotted + 1));
            let host = host.filter(|host| host.is_alphabetic && host.last > host.range.start);
            self.local = (start..dotted, host.map(|host| host.range.end));
        }
        self.local.1
    }

    fn domain(&mut self, bytes: &[u8], start: usize) -> Option<usize> {
        if !self.host.range.contains(&start) {
            self.host = Host::read(bytes, start);
        }
        let Host { range, last, is_alphabetic, is_listed } = &self.host;
        let is_www = bytes[start..].get(..4).is_some_and(|www| www.eq_ignore_ascii_case(b"www."));
        let is_domain =
            (*is_listed && *last > start) || (*is_alphabetic && is_www && *last > start + 4);
        (is_domain && bytes.get(range.end) != Some(&b'@')).then(|| path(bytes, range.end))
    }
}

impl Host {
    /// The longest name from `start` on, without hyphens and a dot at its end. No name begins
    /// with anything but a letter or digit.
    fn read(bytes: &[u8], start: usize) -> Self {
        if !bytes.get(start).is_some_and(u8::is_ascii_alphanumeric) {
            return Self { range: start..start, ..Self::default() };
        }
        let mut end = run(bytes, start, |byte| byte == b'-');
        while end > start && b".-".contains(&bytes[end - 1]) {
            end -= 1;
        }
        let last =
            bytes[start..end].iter().rposition(|&byte| byte == b'.').map_or(0, |dot| dot + 1);
        let label = &bytes[start + last..end];
        let is_alphabetic = label.len() > 1 && label.iter().all(u8::is_ascii_alphabetic);
        let is_listed = TOP_LEVEL.iter().any(|name| label.eq_ignore_ascii_case(name.as_bytes()));
        Self { range: start..end, last: start + last, is_alphabetic, is_listed }
    }
}

/// Where letters, digits, single dots and what `others` takes end.
fn run(bytes: &[u8], start: usize, others: impl Fn(u8) -> bool) -> usize {
    let mut end = start;
    while let Some(&byte) = bytes.get(end) {
        let is_second_dot = byte == b'.' && end > start && bytes[end - 1] == b'.';
        if is_second_dot || !(byte.is_ascii_alphanumeric() || byte == b'.' || others(byte)) {
            break;
        }
        end += 1;
    }
    end
}

/// The end of a URL whose scheme is at `start..colon`.
fn url(bytes: &[u8], start: usize, colon: usize) -> Option<usize> {
    let scheme = &bytes[start..colon];
    let is_scheme = SCHEMES.iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()));
    let host = colon + 3;
    let has_host = bytes.get(host).is_some_and(u8::is_ascii_alphanumeric);
    (is_scheme && has_host && bytes[colon..host] == *b"://").then(|| url_end(bytes, host))
}

/// The end of the port and the path behind a domain that ends at `end`.
fn path(bytes: &[u8], end: usize) -> usize {
    let port = bytes[end..].strip_prefix(b":").map_or(0, |rest| {
        let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 { digits + 1 } else { 0 }
    });
    let from = end + port;
    if bytes.get(from) == Some(&b'/') { url_end(bytes, from) } else { end }
}

/// Where the characters of a URL end that continue from `from`, the first of which is one: behind the
/// last that is not punctuation. A bracket stays where the one it closes is part of the URL.
fn url_end(bytes: &[u8], from: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(byte);
    let mut rest = &bytes[from..from + bytes[from..].iter().take_while(is_part).count()];
    let mut open = [(b'(', b')'), (b'[', b']')].map(|(open, close)| {
        let count = |of: u8| rest.iter().map(|&byte| usize::from(byte == of)).sum::<usize>();
        (close, count(open), count(close))
    });
    while let [shorter @ .., last] = rest {
        if last.is_ascii_alphanumeric() || b"/=&%+$-_".contains(last) {
            break;
        }
        if let Some((_, opened, closed)) = open.iter_mut().find(|(close, ..)| close == last) {
            if *closed <= *opened {
                break;
            }
            *closed -= 1;
        }
        rest = shorter;
    }
    from + rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Where runs of ASCII letters and of ASCII digits begin and end.
    fn runs(text: &str) -> Vec<Range<usize>> {
        let class = |byte: u8| (byte.is_ascii_alphabetic(), byte.is_ascii_digit());
        let mut at = 0;
        let pieces = text.as_bytes().chunk_by(|a, b| class(*a) == class(*b));
        let ranges = pieces.map(|piece| {
            at += piece.len();
            at - piece.len()..at
        });
        ranges.filter(|range| text.as_bytes()[range.start].is_ascii_alphanumeric()).collect()
    }

    /// The addresses of `text`.
    fn found(text: &str) -> Vec<&str> {
        let (mut addresses, mut behind, mut found) = (Addresses::default(), 0, Vec::new());
        for range in runs(text) {
            if range.start < behind {
                continue;
            }
            if let Some(end) = addresses.end(text, range.start, range.end) {
                found.push(&text[range.start..end]);
                behind = end;
            }
        }
        found
    }

    #[test]
    fn urls_end_where_chinese_or_punctuation_begins() {
        for (text, expected) in [
            ("见http://t.cn/Rx7，转", "http://t.cn/Rx7"),
            ("HTTPS://a.b:80/c?d=e&f=%20#g。", "HTTPS://a.b:80/c?d=e&f=%20#g"),
            ("(ftp://x.org/a_(b)).", "ftp://x.org/a_(b)"),
            ("[http://x.org/a[0]]", "http://x.org/a[0]"),
            ("<http://u:p@x.org/~me/>", "http://u:p@x.org/~me/"),
            ("http://t.cn/a@某人", "http://t.cn/a"),
            ("http://x.org)))", "http://x.org"),
            ("http://localhost", "http://localhost"),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
        assert!(found("http:// http://。 xhttp://a https:/a http://例子").is_empty());
    }

    #[test]
    fn domains_need_www_or_a_well_known_end() {
        let text =
            "上www.gov.uk.或163.com/a?b，sina.com.cn:8080/x。baidu.com:80分 A-b.NET www.x.club";
        let expected = [
            "www.gov.uk",
            "163.com/a?b",
            "sina.com.cn:8080/x",
            "baidu.com",
            "A-b.NET",
            "www.x.club",
        ];
        assert_eq!(found(text), expected);
        assert!(found("end.The a.rs 3.5 www. www.x a..com .net com x.c0m x.com@ a.b-").is_empty());
    }

    #[test]
    fn email_addresses_may_begin_with_digits() {
        let text = "邮箱12345@qq.com，a.b+c_d@x-y.museum. 1..z@q.cn";
        assert_eq!(found(text), ["12345@qq.com", "a.b+c_d@x-y.museum", "z@q.cn"]);
        assert!(found("a@b a.@b.xy @b a@.xy a@b.c a@b.c1 a@@b.xy é@b.xy").is_empty());
    }

    #[test]
    fn long_dotted_text_takes_linear_time() {
        for piece in ["a.", "a@", "www.a1.", "a@b.", "http://(", "a-", "1a"] {
            let text = piece.repeat(200_000);
            assert!(found(&text).len() < 2);
        }
    }

    proptest! {
        #[test]
        fn results_do_not_depend_on_earlier_reads(
            pieces in prop::collection::vec("(www|com|cn|a|7|bc|http|://|天|[.@:/)(_+ -]){1,3}", 0..12),
        ) {
            let text = pieces.concat();
            let (mut addresses, mut behind) = (Addresses::default(), 0);
            for range in runs(&text) {
                if range.start < behind {
                    continue;
                }
                let end = addresses.end(&text, range.start, range.end);
                prop_assert_eq!(end, Addresses::default().end(&text, range.start, range.end));
                behind = end.unwrap_or(behind);
                prop_assert!(end.is_none_or(|end| end >= range.end && text.is_char_boundary(end)));
            }
        }

        #[test]
        fn an_address_is_found_whole_between_han_characters(
            host in "(www\\.)?[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3})?(\\.[a-z]{2,5}){0,2}",
            top in prop::sample::select(TOP_LEVEL.to_vec()),
            user in prop::option::of("[a-z0-9]{1,5}([._+-][a-z0-9]{1,4}){0,2}@"),
            path in prop::option::of("(/[a-z0-9%_-]{0,4}){1,3}(\\?[a-z]=[0-9])?"),
            scheme in prop::option::of("(http|https|ftp)://"),
        ) {
            let address = match user {
                Some(user) => format!("{user}{host}.{top}"),
                None => format!(
                    "{}{host}.{top}{}", scheme.unwrap_or_default(), path.unwrap_or_default()),
            };
            for text in [address.clone(), format!("到{address}看\u{20000}"), format!("（{address}）。")] {
                prop_assert_eq!(found(&text), vec![address.as_str()]);
            }
        }
    }
}
