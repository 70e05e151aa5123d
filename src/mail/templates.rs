//! Loads mail templates, checks them before anything is sent, and renders letters with them. Never sends anything.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value};
use thiserror::Error;

use super::context::LetterContext;
use super::message::sha256_hex;
use super::overrides::{self, Source};
use super::samples;
use super::typography::{one_line, shape_text};
use super::vocabulary::Vocabulary;
use crate::domain::Letter;
use crate::domain::duty::NoticeKind;

/// The three files that a mail is made of, as endings of the template's name.
pub(super) const ENDINGS: [&str; 3] = [".subject.txt", ".txt", ".html"];

/// Mail templates: the built-in ones and those that a site puts in their place (M1).
///
/// ```
/// use fristd::mail::{Templates, samples};
/// let templates = Templates::load(None).unwrap();
/// let letter = &samples::letters()[0];
/// let mail = templates.render(letter, letter.kind.as_str()).unwrap();
/// assert_eq!(mail.subject, "[Frist 15. Dezember 2026] APS-Planungsmodul Dezember 2026 – Az. 523-26.19.01-000001");
/// ```
#[derive(Debug)]
pub struct Templates {
    environment: Environment<'static>,
    kinds: BTreeMap<String, NoticeKind>,
    fingerprint: String,
}

/// A mail's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain-text part, complete by itself, ending in a line break.
    pub text: String,
    /// The HTML part, a whole document.
    pub html: String,
}

/// Something wrong in a template or in the folder of overriding ones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TemplateComplaint {
    /// The file, or the built-in template's name.
    pub file: String,
    /// From 1, if the place is known.
    pub line: Option<usize>,
    /// What stands there and why it cannot be used.
    pub problem: String,
    /// What would be accepted.
    pub accepted: String,
}

impl fmt::Display for TemplateComplaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, problem, accepted } = self;
        match line {
            Some(line) => write!(f, "{file}:{line}: {problem}; accepted: {accepted}"),
            None => write!(f, "{file}: {problem}; accepted: {accepted}"),
        }
    }
}

impl std::error::Error for TemplateComplaint {}

/// Why a letter could not be rendered.
#[derive(Error, Clone, PartialEq, Eq, Debug)]
pub enum RenderError {
    /// No template has that name.
    #[error("template {name:?} does not exist; known: {known}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The template says something else than the letter.
    #[error(
        "template {name:?} is for {template} letters and cannot say a letter of kind {letter}; choose one whose name begins with {letter}"
    )]
    WrongKind {
        /// The template's name.
        name: String,
        /// What it is for.
        template: NoticeKind,
        /// What the letter is.
        letter: NoticeKind,
    },
    /// The template names something that this letter does not have.
    #[error(transparent)]
    Failed(#[from] TemplateComplaint),
}

impl Templates {
    /// Loads the built-in templates and, over them, the files of a folder; checks all of them with sample letters.
    ///
    /// A folder may hold any file of the built-in names, and templates of its own whose names begin with a kind, in all
    /// three parts: `reminder-last.subject.txt`, `reminder-last.txt`, `reminder-last.html`.
    ///
    /// # Errors
    /// Every complaint at once, in the order of the files.
    pub fn load(overrides: Option<&Path>) -> Result<Self, Vec<TemplateComplaint>> {
        let mut complaints = Vec::new();
        let sources = overrides::gather(overrides, &mut complaints);
        let mut environment = environment();
        for (name, source) in &sources {
            if let Err(error) = environment.add_template_owned(name.clone(), source.text.clone()) {
                complaints.push(complaint_of(&error, name, &sources));
            }
        }
        let kinds = mail_names(&sources);
        let all: String = sources.iter().map(|(name, source)| format!("{name}\n{}\n", source.text)).collect();
        let templates = Self { environment, kinds, fingerprint: sha256_hex(all.as_bytes()) };
        templates.check(&sources, &mut complaints);
        complaints.sort();
        complaints.dedup();
        if complaints.is_empty() { Ok(templates) } else { Err(complaints) }
    }

    /// The SHA-256 over all templates: another one when a word of them has changed.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether a step may name this template.
    pub fn has(&self, name: &str) -> bool {
        self.kinds.contains_key(name)
    }

    /// What a template is for; a step may only name one of its own kind.
    pub fn kind_of(&self, name: &str) -> Option<NoticeKind> {
        self.kinds.get(name).copied()
    }

    /// The names of all templates, in the order of the alphabet.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// Renders a letter with the template of that name.
    ///
    /// # Errors
    /// If there is no such template, if it is for another kind, or if it names a fact that the letter lacks.
    pub fn render(&self, letter: &Letter, template: &str) -> Result<Rendered, RenderError> {
        let Some(kind) = self.kind_of(template) else {
            let known = self.names().collect::<Vec<_>>().join(", ");
            return Err(RenderError::Unknown { name: template.to_owned(), known });
        };
        if kind != letter.kind {
            return Err(RenderError::WrongKind { name: template.to_owned(), template: kind, letter: letter.kind });
        }
        let variables = Value::from(Serde(LetterContext::of(letter)));
        let part = |ending: &str| {
            let file = format!("{template}{ending}");
            self.render_file(&file, &variables).map_err(|error| complaint_of(&error, &file, &BTreeMap::new()))
        };
        let [subject, text, html] = ENDINGS;
        Ok(Rendered { subject: one_line(&part(subject)?), text: shape_text(&part(text)?), html: part(html)? })
    }

    fn render_file(&self, file: &str, variables: &Value) -> Result<String, minijinja::Error> {
        self.environment.get_template(file)?.render(variables.clone())
    }

    fn check(&self, sources: &BTreeMap<String, Source>, complaints: &mut Vec<TemplateComplaint>) {
        let samples: Vec<(NoticeKind, Value)> = samples::letters()
            .iter()
            .map(|letter| (letter.kind, Value::from(Serde(LetterContext::of(letter)))))
            .collect();
        for (name, source) in sources {
            let Ok(template) = self.environment.get_template(name) else { continue };
            let kind = mail_kind(name);
            let fitting =
                samples.iter().filter(|(of, _)| kind.is_none_or(|kind| kind == *of)).map(|(_, value)| value.clone());
            let vocabulary = Vocabulary::new(fitting.collect());
            complaints.extend(
                vocabulary.unknown(&template.undeclared_variables(true), &self.environment).into_iter().map(
                    |unknown| TemplateComplaint {
                        file: source.place.clone(),
                        line: line_of(&source.text, &unknown.name),
                        problem: format!("unknown variable {:?}", unknown.name),
                        accepted: unknown.accepted,
                    },
                ),
            );
        }
        for (name, kind) in &self.kinds {
            for (_, variables) in samples.iter().filter(|(of, _)| of == kind) {
                for ending in ENDINGS {
                    self.check_rendering(&format!("{name}{ending}"), variables, sources, complaints);
                }
            }
        }
    }

    fn check_rendering(
        &self,
        file: &str,
        variables: &Value,
        sources: &BTreeMap<String, Source>,
        complaints: &mut Vec<TemplateComplaint>,
    ) {
        if self.environment.get_template(file).is_err() {
            return; // a syntax error or a missing part, which has been said
        }
        match self.render_file(file, variables) {
            Ok(words) if words.trim().is_empty() => complaints.push(TemplateComplaint {
                file: sources.get(file).map_or(file, |source| &source.place).to_owned(),
                line: None,
                problem: "the template says nothing".into(),
                accepted: "a text; delete the file to use the built-in one".into(),
            }),
            Ok(_) => {}
            Err(error) => {
                let complaint = complaint_of(&error, file, sources);
                let is_known =
                    complaints.iter().any(|known| known.file == complaint.file && known.line == complaint.line);
                if !is_known {
                    complaints.push(complaint);
                }
            }
        }
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.expect("the default delimiters are valid"));
    environment
}

/// Which names can be rendered: those of which all three parts are there, with their kind.
fn mail_names(sources: &BTreeMap<String, Source>) -> BTreeMap<String, NoticeKind> {
    sources
        .keys()
        .filter_map(|file| file.strip_suffix(ENDINGS[0]))
        .filter(|name| ENDINGS.iter().all(|ending| sources.contains_key(&format!("{name}{ending}"))))
        .filter_map(|name| Some((name.to_owned(), kind_of_name(name)?)))
        .collect()
}

/// The kind that a file belongs to; none for parts that several share.
fn mail_kind(file: &str) -> Option<NoticeKind> {
    ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)).and_then(kind_of_name)
}

/// The kind that a template's name begins with: `reminder`, `reminder-last`.
pub(super) fn kind_of_name(name: &str) -> Option<NoticeKind> {
    NoticeKind::ALL.into_iter().find(|kind| {
        name.strip_prefix(kind.as_str()).is_some_and(|rest| rest.is_empty() || rest.len() > 1 && rest.starts_with('-'))
    })
}

/// The innermost cause, which names the file and line that a person must change.
fn complaint_of(error: &minijinja::Error, file: &str, sources: &BTreeMap<String, Source>) -> TemplateComplaint {
    let mut cause = error;
    while let Some(inner) =
        std::error::Error::source(cause).and_then(|source| source.downcast_ref::<minijinja::Error>())
    {
        cause = inner;
    }
    let name = cause.name().or_else(|| error.name()).unwrap_or(file);
    let source = sources.get(name);
    let line = cause.line().or_else(|| error.line());
    let quoted = source.zip(line).and_then(|(source, line)| source.text.lines().nth(line.saturating_sub(1)));
    let quoted =
        quoted.map(|text| format!(", in {:?}", text.trim().chars().take(120).collect::<String>())).unwrap_or_default();
    let detail = cause.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    TemplateComplaint {
        file: source.map_or(name, |source| &source.place).to_owned(),
        line,
        problem: format!("{}{detail}{quoted}", cause.kind()),
        accepted: accepted_instead(cause.kind()).to_owned(),
    }
}

fn accepted_instead(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UndefinedError => "a variable that the built-in template of this name uses",
        ErrorKind::TemplateNotFound => "the name of a built-in template or of a file in the same folder",
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction | ErrorKind::UnknownMethod => {
            "the built-in filters, tests and functions of minijinja"
        }
        _ => "minijinja (Jinja2) syntax, as in the built-in template of this name",
    }
}

/// The first line in which the variable stands.
fn line_of(text: &str, variable: &str) -> Option<usize> {
    text.lines().position(|line| line.contains(variable)).map(|index| index + 1)
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
