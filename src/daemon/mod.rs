//! The service: ticks, deliveries, the loops around them and their simulation. Never parses files and never holds SQL.

pub mod carrier;
pub mod clock;
pub mod deliver;
pub mod event;
pub mod facts;
pub mod reload;
pub mod run;
pub mod scenario;
pub mod simulation;
pub mod tick;

use std::sync::Arc;

use crate::mail::Templates;
use crate::settings::{Complaints, Settings, Source};

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

/// Why settings or templates cannot be worked by; nothing is taken over then.
#[derive(Debug, thiserror::Error)]
pub enum CharterError {
    /// Files with complaints.
    #[error("{0}")]
    Settings(Complaints),
    /// Templates with complaints, one a line.
    #[error("{}", .0.join("\n"))]
    Templates(Vec<String>),
}

impl Charter {
    /// Loads settings and templates, and refuses them whole if anything is wrong.
    ///
    /// # Errors
    /// All complaints at once.
    pub fn load(source: &Source, generation: u64) -> Result<Self, CharterError> {
        let settings = crate::settings::load(source).map_err(CharterError::Settings)?;
        let overrides = settings.service.templates_dir.as_deref();
        let templates = Templates::load(overrides)
            .map_err(|complaints| CharterError::Templates(complaints.iter().map(ToString::to_string).collect()))?;
        let mut unknown = Vec::new();
        for duty in &settings.rulebook.duties {
            for step in duty.steps.iter().filter(|step| templates.kind_of(&step.template) != Some(step.kind)) {
                let (duty, id, template) = (&duty.id, &step.id, &step.template);
                if let Some(other) = templates.kind_of(template) {
                    unknown.push(format!(
                        "cycles.toml: duty {duty:?}, step {id:?}: template {template:?} is one for {other}"
                    ));
                    continue;
                }
                unknown.push(format!(
                    "cycles.toml: duty {duty:?}, step {id:?}: template {template:?} does not exist; put {template}.txt, \
                     {template}.html and {template}.subject.txt into the templates folder, or leave `template` out"
                ));
            }
        }
        if !unknown.is_empty() {
            return Err(CharterError::Templates(unknown));
        }
        Ok(Self { settings: Arc::new(settings), templates: Arc::new(templates), generation })
    }
}
