//! Which variables templates may name, found from sample letters. Never looks at the branches that a letter takes.

use std::collections::{BTreeSet, HashSet};

use minijinja::value::ValueKind;
use minijinja::{Environment, Value};

/// Names that a template language gives by itself.
const LANGUAGE: [&str; 5] = ["super", "self", "loop", "caller", "varargs"];

/// The variables of all letters of a kind.
pub(super) struct Vocabulary {
    samples: Vec<Value>,
}

/// A variable that no letter of the kind has.
pub(super) struct Unknown {
    /// As it stands in the template, with dots.
    pub(super) name: String,
    /// What may stand in its place.
    pub(super) accepted: String,
}

impl Vocabulary {
    pub(super) fn new(samples: Vec<Value>) -> Self {
        Self { samples }
    }

    /// Those of a template's variables that no sample has, in the order of the alphabet.
    pub(super) fn unknown(&self, variables: &HashSet<String>, environment: &Environment<'_>) -> Vec<Unknown> {
        let is_language =
            |name: &str| LANGUAGE.contains(&name) || environment.globals().any(|(global, _)| global == name);
        let sorted: BTreeSet<&String> = variables.iter().collect();
        sorted
            .into_iter()
            .filter(|path| !is_language(path.split('.').next().unwrap_or(path)))
            .filter(|path| !self.samples.iter().any(|sample| lookup(sample, path).is_some()))
            .map(|path| Unknown { name: path.clone(), accepted: self.accepted_beside(path) })
            .collect()
    }

    /// The names beside the first part of the path that is unknown.
    fn accepted_beside(&self, path: &str) -> String {
        let parts: Vec<&str> = path.split('.').collect();
        for length in (0..parts.len()).rev() {
            let parent = parts[..length].join(".");
            let names: BTreeSet<String> = self
                .samples
                .iter()
                .filter_map(|sample| if parent.is_empty() { Some(sample.clone()) } else { lookup(sample, &parent) })
                .flat_map(|value| names_of(&value))
                .map(|name| if parent.is_empty() { name } else { format!("{parent}.{name}") })
                .collect();
            if !names.is_empty() {
                return names.into_iter().collect::<Vec<_>>().join(", ");
            }
        }
        "no variable".into()
    }
}

fn lookup(sample: &Value, path: &str) -> Option<Value> {
    let mut value = sample.clone();
    for part in path.split('.') {
        let next = match part.parse::<usize>() {
            Ok(index) => value.get_item_by_index(index),
            Err(_) => value.get_attr(part),
        };
        value = next.ok().filter(|found| !found.is_undefined())?;
    }
    Some(value)
}

fn names_of(value: &Value) -> Vec<String> {
    if value.kind() != ValueKind::Map {
        return Vec::new();
    }
    value.try_iter().map(|keys| keys.map(|key| key.to_string()).collect()).unwrap_or_default()
}
