//! The service: ticks, deliveries, the loops around them and their simulation. Never parses files and never holds SQL.

mod alerts;
pub mod bounce;
pub mod bounce_folder;
pub mod carrier;
pub mod clock;
pub mod composer;
mod connection;
pub mod deliver;
pub mod drop_folder;
pub mod enclosure;
pub mod event;
pub mod facts;
pub mod foresee;
pub mod heartbeat;
mod pace;
pub mod presence;
pub mod proof;
mod recheck_facts;
mod recorder;
pub mod recording;
pub mod reload;
pub mod retention;
pub mod run;
pub mod scenario;
mod service_outline;
mod side_by_side;
mod simulated_return;
pub mod simulation;
pub mod take_list;
pub mod taken;
pub mod tick;

use std::sync::Arc;

use crate::mail::Templates;
use crate::settings::{self, Complaints, Service, Settings, Source};
use crate::store::Database;

/// What the service works by: one set of settings and templates that were found good together. A reload makes a new one.
#[derive(Clone, Debug)]
pub struct Charter {
    /// The settings.
    pub settings: Arc<Settings>,
    /// The templates.
    pub templates: Arc<Templates>,
    /// Rises with each reload.
    pub generation: u64,
}

/// Why settings or templates cannot be worked by: all complaints, a line each. Nothing is taken over then.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct CharterError(Vec<String>);

impl Charter {
    /// Loads settings and templates, and refuses them whole if anything is wrong.
    ///
    /// # Errors
    /// All complaints at once.
    pub fn load(source: &Source, generation: u64) -> Result<Self, CharterError> {
        let mut complaints = Vec::new();
        let settings = settings::load(source).map_err(|Complaints(found)| complaints.extend(in_words(&found))).ok();
        // templates are looked at even if other files are broken, so that everything is said at once
        let overrides = match &settings {
            Some(settings) => settings.service.templates_dir.clone(),
            None => settings::load_service(source).ok().and_then(|service| service.templates_dir),
        };
        let templates = Templates::load(overrides.as_deref()).map_err(|found| complaints.extend(in_words(&found))).ok();
        if let (Some(settings), Some(templates)) = (&settings, &templates) {
            complaints.extend(unfit_templates(settings, templates));
        }
        match (settings, templates) {
            (Some(settings), Some(templates)) if complaints.is_empty() => {
                Ok(Self { settings: Arc::new(settings), templates: Arc::new(templates), generation })
            }
            _ => Err(CharterError(complaints)),
        }
    }
}

/// Where the store of these settings is kept.
pub fn database_of(service: &Service) -> Database {
    database_named(&service.database, None)
}

/// Where a store is kept; with a password for one that has none of its own.
pub fn database_named(database: &settings::Database, password: Option<&str>) -> Database {
    match database {
        settings::Database::File(path) => Database::File(path.clone()),
        settings::Database::Server { url, password: own } => Database::Server {
            url: url.expose().to_owned(),
            password: own.as_ref().map(settings::Secret::expose).or(password).map(str::to_owned),
        },
    }
}

fn in_words<T: ToString>(complaints: &[T]) -> impl Iterator<Item = String> {
    complaints.iter().map(ToString::to_string)
}

/// Steps whose template is not there, or is one for another kind.
fn unfit_templates(settings: &Settings, templates: &Templates) -> Vec<String> {
    let mut complaints = Vec::new();
    for duty in &settings.rulebook.duties {
        for step in duty.steps.iter().filter(|step| templates.kind_of(&step.template) != Some(step.kind)) {
            let place = format!("cycles.toml: duty {:?}, step {:?}: template {:?}", duty.id, step.id, step.template);
            complaints.push(match templates.kind_of(&step.template) {
                Some(other) => format!("{place} is one for {other}"),
                None => {
                    let name = &step.template;
                    format!(
                        "{place} does not exist; put {name}.txt, {name}.html and {name}.subject.txt into the templates \
                         folder, or leave `template` out"
                    )
                }
            });
        }
    }
    complaints
}
