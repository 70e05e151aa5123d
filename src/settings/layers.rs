//! Lays fristd.toml over the embedded defaults and the environment over both. Never judges a value; `service` does.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::ops::RangeInclusive;

use config::{Config, ConfigError, Environment, File, FileFormat};

use super::complaint::{Report, Spot};
use super::reader::{Field, Fields, parse};
use super::source_text::SourceText;
use super::values::quoted;

/// What is read beneath all other layers.
const DEFAULTS: &str = include_str!("defaults.toml");
const PREFIX: &str = "FRISTD";
const SEPARATOR: &str = "__";

/// What a key holds.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    /// True or false.
    Switch,
    /// Not in the file, which is copied, shown and backed up; only in the environment.
    Secret,
}

/// Every key by its section, in the order of the example. What is not here is refused.
const KEYS: [(&str, &[(&str, Kind)]); 6] = [
    (
        "",
        &[
            ("time_zone", Kind::Text),
            ("data", Kind::Text),
            ("database", Kind::Text),
            ("database_password", Kind::Secret),
            ("database_password_file", Kind::Text),
            ("calendars", Kind::Text),
            ("templates", Kind::Text),
            ("cycles", Kind::Text),
            ("authorities", Kind::Text),
            ("contacts", Kind::Text),
            ("replica", Kind::Text),
            ("tick_seconds", Kind::Number),
        ],
    ),
    (
        "mail",
        &[
            ("transport", Kind::Text),
            ("directory", Kind::Text),
            ("host", Kind::Text),
            ("port", Kind::Number),
            ("tls", Kind::Text),
            ("username", Kind::Text),
            ("password", Kind::Secret),
            ("password_file", Kind::Text),
            ("ca_file", Kind::Text),
            ("hello_name", Kind::Text),
            ("timeout_seconds", Kind::Number),
            ("message_timeout_seconds", Kind::Number),
            ("from", Kind::Text),
            ("from_name", Kind::Text),
            ("reply_to", Kind::Text),
            ("envelope_from", Kind::Text),
            ("bounce_tokens", Kind::Switch),
            ("bounce_maildir", Kind::Text),
            ("on_uncertain", Kind::Text),
        ],
    ),
    ("intake", &[("folder", Kind::Text), ("settle_seconds", Kind::Number)]),
    (
        "limits",
        &[
            ("notices_a_tick_max", Kind::Number),
            ("connections", Kind::Number),
            ("mails_a_minute", Kind::Number),
            ("mails_a_minute_a_domain", Kind::Number),
            ("breaker_failures", Kind::Number),
            ("clock_seconds_max", Kind::Number),
        ],
    ),
    ("heartbeat", &[("url", Kind::Text), ("every_seconds", Kind::Number)]),
    ("retention", &[("months", Kind::Number), ("daily", Kind::Switch)]),
];

/// The merged settings, and where each value came from.
pub(super) struct Layers<'a> {
    merged: Config,
    report: &'a Report,
    file: &'a str,
    /// Lines of the keys that the file sets.
    lines: BTreeMap<String, usize>,
    /// Variables of the keys that the environment sets.
    variables: BTreeMap<String, String>,
    /// Whether the file could not be read, so that its paths are not known.
    pub(super) is_file_broken: bool,
}

/// A value with the place where it was set.
pub(super) struct Setting<'a, T> {
    pub(super) value: T,
    pub(super) spot: Spot<'a>,
}

impl<'a, T> Setting<'a, T> {
    /// The value as what it stands for, or a complaint.
    pub(super) fn accept<U>(&self, read: impl FnOnce(&T) -> Result<U, String>) -> Option<U> {
        self.spot.accept(read(&self.value))
    }
}

impl<'a> Layers<'a> {
    /// `source` is fristd.toml, if there is one; `file` its name; `environment` all variables of the process.
    pub(super) fn load(
        source: Option<&'a SourceText>,
        file: &'a str,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        report: &'a Report,
    ) -> Self {
        let (set, is_file_broken) = match source {
            Some(source) => read_file(source, report).map_or((Vec::new(), true), |set| (set, false)),
            None => (Vec::new(), false),
        };
        let (values, variables) = read_environment(environment, report);
        let lines = set.iter().filter_map(|(key, _, line)| Some((key.clone(), (*line)?))).collect();
        let merged = merge(set, values).unwrap_or_else(|error| {
            Spot::of_file(report, file).complain(format!("the settings cannot be merged: {error}"));
            Config::default()
        });
        Self { merged, report, file, lines, variables, is_file_broken }
    }

    /// Whether the file or the environment sets the key.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.lines.contains_key(key) || self.variables.contains_key(key)
    }

    /// Whether the environment sets the key.
    pub(super) fn is_in_environment(&self, key: &str) -> bool {
        self.variables.contains_key(key)
    }

    /// Where the key is set, or would be.
    pub(super) fn spot(&self, key: &str) -> Spot<'a> {
        match self.variables.get(key) {
            Some(variable) => Spot::of_file(self.report, "environment").within(variable),
            None => {
                let spot = Spot::of_file(self.report, self.file).within(key);
                Spot { line: self.lines.get(key).copied(), ..spot }
            }
        }
    }

    /// A text; `None` if it is set nowhere.
    pub(super) fn text(&self, key: &str) -> Option<Setting<'a, String>> {
        let value = self.merged.get_string(key).ok()?;
        Some(Setting { value, spot: self.spot(key) })
    }

    /// True or false; `None` if it is set nowhere or was complained about.
    pub(super) fn switch(&self, key: &str) -> Option<bool> {
        let shown = self.merged.get_string(key).ok()?;
        // not what the library takes for a truth: "on", "yes" and 1 are refused in the file, so here as well
        let switch = match shown.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        };
        if switch.is_none() {
            self.spot(key).complain(format!("{} is not accepted; accepted: true or false", quoted(&shown)));
        }
        switch
    }

    /// A whole number within a range; `None` if it is set nowhere or was complained about.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<i64>) -> Option<u32> {
        let shown = self.merged.get_string(key).ok()?;
        let number = self.merged.get_int(key).ok().filter(|number| range.contains(number));
        let number = number.and_then(|number| u32::try_from(number).ok());
        if number.is_none() {
            let (first, last) = (range.start(), range.end());
            self.spot(key).complain(format!(
                "{} is not accepted; accepted: a whole number from {first} to {last}",
                quoted(&shown)
            ));
        }
        number
    }
}

type SetInFile = (String, config::Value, Option<usize>);

/// What the file sets; `None` if it is not TOML.
fn read_file<'a>(source: &'a SourceText, report: &'a Report) -> Option<Vec<SetInFile>> {
    let table = parse(source, report)?;
    let top = Fields::of_file(source, table.get_ref(), report);
    let mut set = Vec::new();
    for (section, keys) in KEYS {
        if section.is_empty() {
            set.extend(keys.iter().filter_map(|(key, kind)| read_key(&top, section, key, *kind)));
        } else if let Some(fields) = top.optional(section).and_then(|field| field.table()) {
            set.extend(keys.iter().filter_map(|(key, kind)| read_key(&fields, section, key, *kind)));
            fields.finish();
        }
    }
    top.finish();
    Some(set)
}

fn read_key(fields: &Fields, section: &str, key: &'static str, kind: Kind) -> Option<SetInFile> {
    let mut field: Field = fields.optional(key)?;
    let path = path_of(section, key);
    field.spot.place = path.clone();
    let value = match kind {
        Kind::Text => config::Value::from(field.text()?),
        Kind::Number => config::Value::from(field.integer(i64::MIN..=i64::MAX)?),
        Kind::Switch => config::Value::from(field.boolean()?),
        Kind::Secret => {
            let variable = variable_of(&path);
            field.spot.complain(format!(
                "a password does not belong in this file; name a file that holds it in {path}_file, or set {variable}"
            ));
            return None;
        }
    };
    Some((path, value, field.spot.line))
}

/// The values of our variables for `config`, and the variables' names, by key.
fn read_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    report: &Report,
) -> (HashMap<String, String>, BTreeMap<String, String>) {
    let prefix = format!("{PREFIX}{SEPARATOR}");
    let known: Vec<String> =
        KEYS.iter().flat_map(|(section, keys)| keys.iter().map(|(key, _)| path_of(section, key))).collect();
    let (mut values, mut variables) = (HashMap::new(), BTreeMap::new());
    for (variable, value) in environment {
        // a name that is no text is none of ours
        let Some(variable) = variable.to_str().filter(|name| name.to_ascii_uppercase().starts_with(&prefix)) else {
            continue;
        };
        let spot = Spot::of_file(report, "environment").within(variable.escape_debug());
        let key = variable.to_ascii_lowercase()[prefix.len()..].replace(SEPARATOR, ".");
        if !known.contains(&key) {
            let known: Vec<String> = known.iter().map(|key| variable_of(key)).collect();
            spot.complain(format!("unknown variable; known: {}", known.join(", ")));
            continue;
        }
        let Some(value) = value.to_str() else {
            spot.complain("the value is not UTF-8; set it again in a UTF-8 locale");
            continue;
        };
        if value.is_empty() {
            continue; // as unset: an empty value is how unit files and containers leave one out
        }
        if let Some(other) = variables.insert(key, variable.to_owned()) {
            spot.complain(format!("{other} sets the same key; remove one of them"));
        }
        values.insert(variable.to_owned(), value.to_owned());
    }
    (values, variables)
}

fn merge(set: Vec<SetInFile>, environment: HashMap<String, String>) -> Result<Config, ConfigError> {
    let from_file =
        set.into_iter().try_fold(Config::builder(), |file, (key, value, _)| file.set_default(key, value))?;
    let variables = Environment::with_prefix(PREFIX).prefix_separator(SEPARATOR).separator(SEPARATOR);
    Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(from_file.build()?)
        .add_source(variables.source(Some(environment)))
        .build()
}

fn path_of(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The environment variable of a key.
pub(super) fn variable_of(path: &str) -> String {
    format!("{PREFIX}{SEPARATOR}{}", path.to_uppercase().replace('.', SEPARATOR))
}
