//! Splitting of long lines without a change to the symbols read.

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::classes::{Class, Table};

/// The number of bytes at the end that are searched.
const WINDOW: usize = 64 << 10;

/// A place to cut `text`, of at least two characters, near its end; and whether the run of
/// characters continues behind it.
///
/// The place is right for every alphabet, folding included: after a break, before a character that
/// is always a symbol, or where letters meet digits. Where there is none in the last 64 KB these are
/// one endless run of letters or digits, which is a break as a whole or a symbol a character, and
/// stays so when it is cut in the middle. (Not so for 64 KB of nothing but marks and characters
/// that folding changes, which are cut all the same.) O(1).
pub(super) fn cut(text: &str) -> (usize, bool) {
    let table = Table::get();
    let start = floor(text, text.len().saturating_sub(WINDOW));
    let window = &text[start..];
    let mut next: Option<(usize, char)> = None;
    for (at, c) in window.char_indices().rev() {
        let class = table.class(c);
        let end = start + at + c.len_utf8();
        if class == Class::Break && c.nfkc().all(|c| table.class(c) == Class::Break) {
            return (end, false);
        }
        if class == Class::Single && inert(c) && start + at > 0 {
            return (start + at, true);
        }
        if let Some((_, following)) = next
            && [class, table.class(following)].iter().all(|c| is_run(*c))
            && class != table.class(following)
            && inert(c)
            && inert(following)
        {
            return (end, true);
        }
        next = Some((at, c));
    }
    let middle = floor(text, start + window.len() / 2);
    let starts_symbol = |c: char| is_run(table.class(c)) && inert(c);
    let place = text[middle..].char_indices().find(|&(_, c)| starts_symbol(c));
    let at = place.map_or(middle, |(at, _)| middle + at);
    (if at == 0 { text.len() } else { at }, true)
}

/// The start of the character that byte `at` lies in.
pub(super) fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_run(class: Class) -> bool {
    matches!(class, Class::Letter | Class::Digit)
}

/// Whether folding neither changes the character nor joins it to the one before.
fn inert(c: char) -> bool {
    canonical_combining_class(c) == 0 && is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_fitting_place_is_taken() {
        assert_eq!(cut("天，地玄"), (9, true));
        assert_eq!(cut("天地，ab"), (9, false));
        assert_eq!(cut("天地 ab"), (7, false));
        assert_eq!(cut("abか\u{3099}\u{3099}"), (2, true));
        assert_eq!(cut("ab12"), (2, true));
    }

    #[test]
    fn endless_runs_are_cut_far_from_their_ends() {
        for piece in ["a", "7", "é", "한"] {
            let text = piece.repeat(100_000);
            let (at, continues) = cut(&text);
            assert!(continues && at > 1000 && at + 1000 < text.len());
        }
        let marks = "\u{301}".repeat(100_000);
        assert!(cut(&marks).0 > 0);
    }

    #[test]
    fn characters_that_fold_into_a_digit_are_no_place_to_cut() {
        assert_eq!(cut("天地①2"), (3, true));
    }
}
