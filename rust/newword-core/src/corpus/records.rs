//! The text of JSON records.

use std::path::Path;

use serde_json::{Map, Value};

use super::ReadReport;
use super::options::OnInvalid;
use crate::support::{Error, Result};

/// The text of one record: the member `field` of the JSON object in `line`, the last of that name.
/// None where the line is blank, or not JSON and such lines are to be skipped.
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
    let mut record: Map<String, Value> = match serde_json::from_str(line) {
        Ok(record) => record,
        Err(_) if on_invalid == OnInvalid::SkipLine => {
            report.skipped += 1;
            return Ok(None);
        }
        Err(error) => return wrong(format!("not a JSON object: {error}")),
    };
    match record.remove(field) {
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => wrong(format!("field {field:?} must be a string, got {}", kind(&other))),
        None => {
            let mut names: Vec<_> = record.keys().map(|name| format!("{name:?}")).collect();
            names.sort_unstable();
            wrong(format!("no field {field:?} among its fields {}", names.join(", ")))
        }
    }
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
        says(r#"{"text": null}"#, "must be a string, got null");
        says(r#"{"title": "", "body": ""}"#, r#"no field "text" among its fields "body", "title""#);
        says(r#"{"text": "天"#, "not a JSON object");
        says(r#"["text"]"#, "not a JSON object");
        assert!(matches!(read("{", OnInvalid::SkipLine), (Ok(None), 1)));
    }
}
