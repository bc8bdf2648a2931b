//! The text of JSON records.

use std::path::Path;

use serde_json::{Map, Value};

use super::ReadReport;
use super::options::OnInvalid;
use crate::support::{Error, Result};

/// The text of one record: the member `field` of the JSON object in `line`, the last of that name;
/// where no member has it, the member that the names between its dots lead to. None where the line is
/// blank, the member is null (which is counted), or the line is not JSON and such lines are to be
/// skipped.
///
/// # Errors
/// [`Error::Corpus`] naming file and line where the line is no object, or the field is missing or no
/// string.
pub(super) fn text_of(
    line: &str,
    field: &str,
    (place, number): (&Path, u64),
    on_invalid: OnInvalid,
    report: &mut ReadReport,
) -> Result<Option<String>> {
    if line.trim_start().is_empty() {
        return Ok(None);
    }
    let wrong =
        |what: String| Err(Error::Corpus(format!("{}: line {number}: {what}", place.display())));
    let record: Map<String, Value> = match serde_json::from_str(line) {
        Ok(record) => record,
        Err(_) if on_invalid == OnInvalid::SkipLine => {
            report.skipped += 1;
            return Ok(None);
        }
        Err(error) => return wrong(format!("not a JSON object: {error}")),
    };
    match find(record, field) {
        Ok(Value::String(text)) => Ok(Some(text)),
        Ok(Value::Null) => {
            report.missing += 1;
            Ok(None)
        }
        Ok(other) => wrong(format!("field {field:?} must be a string, got {}", kind(&other))),
        Err(names) => wrong(format!("no field {field:?} among its fields {}", names.join(", "))),
    }
}

/// The member `field`, null where null stands on the way to it; the names there are where it is not
/// there.
fn find(mut record: Map<String, Value>, field: &str) -> Result<Value, Vec<String>> {
    if let Some(value) = record.remove(field) {
        return Ok(value);
    }
    let inner = field.split_once('.').and_then(|(first, rest)| match record.get_mut(first)? {
        Value::Object(inner) => Some(find(std::mem::take(inner), rest)),
        Value::Null => Some(Ok(Value::Null)),
        _ => None,
    });
    inner.unwrap_or_else(|| {
        let mut names: Vec<_> = record.keys().map(|name| format!("{name:?}")).collect();
        names.sort_unstable();
        Err(names)
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, on_invalid: OnInvalid) -> (Result<Option<String>>, u64) {
        let mut report = ReadReport::default();
        let place = (Path::new("a.jsonl"), 7);
        (text_of(line, "text", place, on_invalid, &mut report), report.skipped)
    }

    #[test]
    fn dots_lead_into_objects_and_null_is_left_out() {
        let read = |line: &str, field: &str| {
            let mut report = ReadReport::default();
            let place = (Path::new("a.jsonl"), 7);
            let text = text_of(line, field, place, OnInvalid::Error, &mut report);
            (text.map_err(|error| error.to_string()), report.missing)
        };
        let line = r#"{"a": {"b": {"c": "天"}, "b.c": "地", "n": null}, "a.b": "玄", "n": null}"#;
        assert_eq!(read(line, "a.b").0.unwrap().as_deref(), Some("玄"));
        assert_eq!(read(line, "a.b.c").0.unwrap().as_deref(), Some("地"));
        let nested = r#"{"a": {"b": {"c": "天"}}}"#;
        assert_eq!(read(nested, "a.b.c").0.unwrap().as_deref(), Some("天"));
        for field in ["n", "a.n", "a.n.x", "n.x.y"] {
            assert_eq!(read(line, field), (Ok(None), 1), "{field}");
        }
        let message = read(line, "a.x").0.unwrap_err();
        assert!(
            message.ends_with(r#"no field "a.x" among its fields "b", "b.c", "n""#),
            "{message}"
        );
        assert!(read(nested, "a.b.c.d").0.unwrap_err().contains("no field"));
        assert!(read(nested, "a").0.unwrap_err().contains("got an object"));
    }

    #[test]
    fn records_yield_their_text_or_say_why_not() {
        let text = read(r#"{"id": [1], "text": "天\n\ud840\udc00"}"#, OnInvalid::Error).0;
        assert_eq!(text.unwrap().as_deref(), Some("天\n𠀀"));
        assert_eq!(read(" \r", OnInvalid::Error).0.unwrap(), None);
        let says = |line, what: &str| {
            let message = read(line, OnInvalid::Error).0.unwrap_err().to_string();
            assert!(
                message.starts_with("a.jsonl: line 7: ") && message.contains(what),
                "{message}"
            );
        };
        says(r#"{"text": 7}"#, "must be a string, got a number");
        says(r#"{"title": "", "body": ""}"#, r#"no field "text" among its fields "body", "title""#);
        says(r#"{"text": "天"#, "not a JSON object");
        says(r#"["text"]"#, "not a JSON object");
        assert!(matches!(read("{", OnInvalid::SkipLine), (Ok(None), 1)));
    }
}
