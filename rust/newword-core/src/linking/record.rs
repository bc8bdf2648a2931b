//! Entities as JSON records.

use serde_json::{Map, Value};

use crate::lexicon::is_space;

/// An entity of a knowledge base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entity {
    /// What it is known by; one entity has it.
    pub id: String,
    /// Its name; others may have the same.
    pub name: String,
    /// Other names, as the source has them, but for empty ones.
    pub aliases: Vec<String>,
    /// Types.
    pub types: Vec<String>,
    /// What is known of it: names of properties and their values.
    pub attributes: Vec<(String, String)>,
}

impl Entity {
    /// A line for each attribute, and one of its names, in lower case. O(n).
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.attributes {
            text.extend([&**name, "：", value, "\n"]);
        }
        text.push_str("名称：");
        let mut names: Vec<&str> = Vec::new();
        for name in std::iter::once(&self.name).chain(&self.aliases) {
            if !names.contains(&&**name) {
                names.push(name);
            }
        }
        text.push_str(&names.join("，"));
        text.to_lowercase()
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The rule, as "must be ...".
    pub rule: String,
    /// What was there instead.
    pub got: String,
}

impl Wrong {
    /// A rule and what was there instead.
    pub fn new(rule: impl Into<String>, got: impl Into<String>) -> Self {
        Self { rule: rule.into(), got: got.into() }
    }
}

/// The form of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// That of CCKS 2019: `subject_id`, `subject`, `alias`, `type`, and `data` with objects of
    /// `predicate` and `object`.
    Ccks,
    /// `id`, `name`, `aliases`, `types`, and `attributes`, a list of pairs.
    Simple,
}

impl std::str::FromStr for Schema {
    type Err = crate::support::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "ccks" => Ok(Self::Ccks),
            "simple" => Ok(Self::Simple),
            other => Err(crate::support::Error::invalid(
                "schema",
                "must be \"ccks\" or \"simple\"",
                format!("{other:?}"),
            )),
        }
    }
}

impl Schema {
    /// The names of the members: id, name, aliases, types, attributes.
    fn members(self) -> [&'static str; 5] {
        match self {
            Self::Ccks => ["subject_id", "subject", "alias", "type", "data"],
            Self::Simple => ["id", "name", "aliases", "types", "attributes"],
        }
    }

    /// The entity of a record; members of other names are left out. O(n).
    pub fn read(self, record: &str) -> Result<Entity, Wrong> {
        let mut record: Map<String, Value> =
            serde_json::from_str(record).map_err(|error| no_object(record, &error))?;
        let [id, name, aliases, types, attributes] = self.members();
        Ok(Entity {
            id: string(&mut record, id)?,
            name: string(&mut record, name)?,
            aliases: strings(&mut record, aliases, true)?,
            types: strings(&mut record, types, false)?,
            attributes: self.attributes(&mut record, attributes)?,
        })
    }

    fn attributes(
        self,
        record: &mut Map<String, Value>,
        field: &str,
    ) -> Result<Vec<(String, String)>, Wrong> {
        let rule = match self {
            Self::Ccks => "must be a list of objects with strings as \"predicate\" and \"object\"",
            Self::Simple => "must be a list of pairs of strings",
        };
        let wrong = |value: &Value| Wrong::new(format!("{field:?} {rule}"), shown(value));
        let members = match record.remove(field) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Array(members)) => members,
            Some(other) => return Err(wrong(&other)),
        };
        let pair = |member: Value| match member {
            Value::Object(mut object) if self == Self::Ccks => {
                match (object.remove("predicate"), object.remove("object")) {
                    (Some(Value::String(name)), Some(Value::String(value))) => Ok((name, value)),
                    (Some(Value::String(_)), Some(other)) | (Some(other), _) => Err(wrong(&other)),
                    (None, _) => Err(wrong(&Value::Object(object))),
                }
            }
            Value::Array(pair) if self == Self::Simple => match <[Value; 2]>::try_from(pair) {
                Ok([Value::String(name), Value::String(value)]) => Ok((name, value)),
                Ok(pair) => Err(wrong(&Value::from(pair.to_vec()))),
                Err(other) => Err(wrong(&Value::Array(other))),
            },
            other => Err(wrong(&other)),
        };
        members.into_iter().map(pair).collect()
    }
}

/// A member that must be a string with something in it.
fn string(record: &mut Map<String, Value>, field: &str) -> Result<String, Wrong> {
    match record.remove(field) {
        Some(Value::String(text)) if !text.chars().all(is_space) => Ok(text),
        Some(other) => {
            Err(Wrong::new(format!("{field:?} must be a non-empty string"), shown(&other)))
        }
        None => {
            let names: Vec<_> = record.keys().map(|name| format!("{name:?}")).collect();
            Err(Wrong::new(format!("{field:?} must be among the members"), names.join(", ")))
        }
    }
}

/// A member that is a list of strings, of which empty ones are left out; or one string, or missing.
fn strings(
    record: &mut Map<String, Value>,
    field: &str,
    needs_list: bool,
) -> Result<Vec<String>, Wrong> {
    let rule = if needs_list { "a list of strings" } else { "a string or a list of strings" };
    let wrong = |value: &Value| Wrong::new(format!("{field:?} must be {rule}"), shown(value));
    let members = match record.remove(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(members)) => members,
        Some(Value::String(text)) if !needs_list => vec![Value::String(text)],
        Some(other) => return Err(wrong(&other)),
    };
    let mut texts = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Value::String(text) if text.chars().all(is_space) => {}
            Value::String(text) => texts.push(text),
            other => return Err(wrong(&other)),
        }
    }
    Ok(texts)
}

fn no_object(record: &str, error: &serde_json::Error) -> Wrong {
    let why = error.to_string();
    // It is one line, whose number is known better elsewhere.
    let why = why.replace(" at line 1 column", " at column");
    Wrong::new("must be a JSON object", format!("{} ({why})", start(record)))
}

/// A value for messages.
fn shown(value: &Value) -> String {
    start(&value.to_string())
}

fn start(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_both_forms_are_read() {
        let entity = Entity {
            id: "1".into(),
            name: "三体".into(),
            aliases: vec!["三体 小说".into()],
            types: vec!["Work".into()],
            attributes: vec![("作者".into(), "刘慈欣".into()), ("作者".into(), String::new())],
        };
        let ccks = r#"{"subject_id": "1", "subject": "三体", "alias": ["", "三体 小说"],
            "type": "Work", "data": [{"predicate": "作者", "object": "刘慈欣"},
            {"predicate": "作者", "object": "", "x": 1}], "source": 7}"#;
        assert_eq!(Schema::Ccks.read(ccks).as_ref(), Ok(&entity));
        let simple = r#"{"id": "1", "name": "三体", "aliases": ["三体 小说"], "types": ["Work"],
            "attributes": [["作者", "刘慈欣"], ["作者", ""]]}"#;
        assert_eq!(Schema::Simple.read(simple), Ok(entity));
        let bare = Schema::Simple.read(r#"{"id": "1", "name": "\ud840\udc00", "types": null}"#);
        let expected = Entity { id: "1".into(), name: "\u{20000}".into(), ..Entity::default() };
        assert_eq!(bare, Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let ccks = |members: &str| {
            Schema::Ccks.read(&format!(r#"{{"subject_id": "1", "subject": "a"{members}}}"#))
        };
        for (read, message) in [
            (Schema::Ccks.read("{"), "got { (EOF while parsing an object at column 1)"),
            (Schema::Ccks.read("[]"), "must be a JSON object, got [] (invalid type"),
            (
                Schema::Ccks.read(r#"{"id": "1"}"#),
                r#""subject_id" must be among the members, got "id""#,
            ),
            (ccks(r#", "subject": """#), r#""subject" must be a non-empty string, got """#),
            (ccks(r#", "subject": " ""#), r#""subject" must be a non-empty string, got " ""#),
            (ccks(r#", "subject_id": 7"#), r#""subject_id" must be a non-empty string, got 7"#),
            (ccks(r#", "alias": "b""#), r#""alias" must be a list of strings, got "b""#),
            (ccks(r#", "alias": ["b", 1]"#), r#""alias" must be a list of strings, got 1"#),
            (ccks(r#", "type": 1"#), r#""type" must be a string or a list of strings, got 1"#),
            (ccks(r#", "data": {}"#), r#""data" must be a list of objects with"#),
            (ccks(r#", "data": [{"predicate": "p", "object": 1}]"#), ", got 1"),
            (ccks(r#", "data": [{"predicate": 2, "object": "o"}]"#), ", got 2"),
            (ccks(r#", "data": [{"object": "o"}]"#), ", got {}"),
            (
                Schema::Simple.read(r#"{"id": "1", "name": "a", "attributes": [["b"]]}"#),
                r#"got ["b"]"#,
            ),
            (
                Schema::Simple.read(r#"{"id": "1", "name": "a", "attributes": [["b", 1]]}"#),
                r#"got ["b",1]"#,
            ),
            (Schema::Simple.read(r#"{"id": "1", "name": "a", "attributes": {}}"#), "list of pairs"),
        ] {
            let Wrong { rule, got } = read.unwrap_err();
            let error = format!("{rule}, got {got}");
            assert!(error.contains(message), "{error}");
        }
        let long = format!(r#"{{"id": 1, "name": "{}"}}"#, "天".repeat(500));
        assert!(Schema::Simple.read(&long[1..]).unwrap_err().got.len() < 400);
    }
}
