//! `fristd preview`: renders a mail without sending it. Never looks into the database.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::daemon::Charter;
use crate::daemon::enclosure::enclose;
use crate::domain::dates::instant_on;
use crate::domain::duty::{Audience, Base, Duty, Offset, Step};
use crate::domain::facts::{CycleFacts, View};
use crate::domain::ladder::{DateFacts, Ladder};
use crate::domain::letter::{History, compose};
use crate::domain::request;
use crate::domain::{Mailbox, Month, NewNotice, NoticeKind, Owner, Revision, Rulebook, cycle};
use crate::mail::Attachment;

use super::written_file::write_whole;
use super::{Ending, Shell, WrongInput, print_line};

/// Renders a mail as it would be if nobody had reported yet.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd preview 2026-12 --step announcement\n  \
    fristd preview 2026-12 --duty statistics --step reminder-5 --authority abh-05315-koeln\n  \
    fristd preview 2026-12 --step escalation --office rrk-koeln --form html > escalation.html\n  \
    fristd preview 2026-12 --step escalation --office rrk-koeln --attachments .")]
pub(super) struct Preview {
    /// The cycle, as YYYY-MM.
    month: String,
    /// The step's id, or a kind: the first step of that kind. `correction` shows how the month's entry in cycles.toml would be
    /// told after the date by the rule was announced.
    #[arg(long)]
    step: String,
    /// The duty; the first that has such a step, if left out.
    #[arg(long)]
    duty: Option<String>,
    /// For this authority; the first that owes the report if left out.
    #[arg(long, conflicts_with = "office")]
    authority: Option<String>,
    /// For this office.
    #[arg(long)]
    office: Option<String>,
    /// Which part.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    form: Form,
    /// Writes the files that would go with the mail into this folder.
    #[arg(long, value_name = "DIR")]
    attachments: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The plain text, with subject and recipient.
    Text,
    /// The HTML.
    Html,
}

impl Preview {
    pub(super) fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let rulebook = &charter.settings.rulebook;
        let month = Month::parse(&self.month).map_err(|cause| WrongInput(cause.to_string()))?;
        let corrected;
        let (duty, step) = match self.step == NoticeKind::Correction.as_str() {
            true => {
                let duty = self.corrected_duty(rulebook)?;
                corrected = correction_step(duty);
                (duty, &corrected)
            }
            false => self.find_step(&charter)?,
        };
        let mut facts = CycleFacts::default();
        if step.kind == NoticeKind::Correction {
            facts.dates.revisions = corrected_revisions(rulebook, duty, month)?;
        }
        let ladder = Ladder::new(rulebook, duty, month, &facts.dates, &DateFacts::default())?;
        let due_at = match ladder.rung(&step.id) {
            Some(rung) => rung.due_at,
            None => instant_on(rulebook.zone, ladder.deadline.import_on, step.time),
        };
        let flagged = HashSet::new();
        let view = View { rulebook, roster: &charter.settings.roster, flagged: &flagged, now: due_at };
        let notice = self.notice(view, &ladder, step)?;
        let mut letter = compose(view, &ladder, &facts, &History::default(), &notice);
        let (enclosed, failed) = enclose(&mut letter);
        if let Some(cause) = failed.into_iter().next() {
            return Err(cause.into());
        }
        let rendered = charter.templates.render(&letter, &step.template)?;
        if let Some(dir) = &self.attachments {
            write_files(dir, &enclosed)?;
        }
        match self.form {
            Form::Html => print_line(&rendered.html)?,
            Form::Text => {
                print_line(&format!("An:      {}", notice.mailbox))?;
                print_line(&format!("Betreff: {}", rendered.subject))?;
                for file in &enclosed {
                    print_line(&format!("Anlage:  {}", file.file_name))?;
                }
                print_line("")?;
                print_line(rendered.text.trim_end())?;
            }
        }
        Ok(Ending::Done)
    }

    /// The duty that is meant, or the first that an import date moves.
    fn corrected_duty<'a>(&self, rulebook: &'a Rulebook) -> anyhow::Result<&'a Duty> {
        match &self.duty {
            Some(id) => Ok(request::duty(rulebook, id)?),
            None => rulebook.duties.iter().find(|duty| duty.follows_import()).ok_or_else(|| {
                WrongInput("cycles.toml: no duty follows the import; name one with --duty".to_owned()).into()
            }),
        }
    }

    fn find_step<'a>(&self, charter: &'a Charter) -> anyhow::Result<(&'a Duty, &'a Step)> {
        let rulebook = &charter.settings.rulebook;
        let duties: Vec<&Duty> = match &self.duty {
            Some(id) => vec![request::duty(rulebook, id)?],
            None => rulebook.duties.iter().collect(),
        };
        let steps = || duties.iter().flat_map(|duty| duty.steps.iter().map(move |step| (*duty, step)));
        let by_id = steps().find(|(_, step)| step.id == self.step);
        let by_kind = || steps().find(|(_, step)| step.kind.as_str() == self.step);
        by_id.or_else(by_kind).ok_or_else(|| {
            let mut known: Vec<&str> = Vec::new();
            for (_, step) in steps() {
                if !known.contains(&step.id.as_str()) {
                    known.push(&step.id);
                }
            }
            known.push(NoticeKind::Correction.as_str());
            WrongInput(format!("step {:?}: there is none; known: {}", self.step, known.join(", "))).into()
        })
    }

    /// The notice to the first mailbox of the authority or office that is meant.
    fn notice(&self, view: View<'_>, ladder: &Ladder<'_>, step: &Step) -> anyhow::Result<NewNotice> {
        let roster = view.roster;
        let goes_to = |wanted: bool| {
            let to: Vec<String> = step.to.iter().map(ToString::to_string).collect();
            let flag = if wanted { "--office" } else { "--authority" };
            WrongInput(format!("step {:?}: goes to {}; leave {flag} out, or name one of those", step.id, to.join(", ")))
        };
        let is_for_users = step.to.iter().any(|to| matches!(to, Audience::Users | Audience::Missing));
        if self.authority.is_some() && !is_for_users {
            return Err(goes_to(false).into());
        }
        let office = match &self.office {
            Some(id) => Some(roster.office(id).map(|office| office.id.clone()).ok_or_else(|| {
                let known: Vec<&str> = roster.offices().iter().map(|office| &*office.id).collect();
                WrongInput(format!("office {id:?}: there is none; known: {}", known.join(", ")))
            })?),
            None if self.authority.is_some() => None,
            None => first_office(view, step),
        };
        if let Some(id) = &office {
            let is_rrk = roster.rrk().any(|(office, _)| office.id == *id);
            let is_zrk = roster.zrk().any(|office| office.id == *id);
            let is_meant = |to: &Audience| match to {
                Audience::Rrk => is_rrk,
                Audience::Zrk => is_zrk,
                Audience::Office(named) => named == id,
                Audience::Users | Audience::Missing => false,
            };
            if !step.to.iter().any(is_meant) {
                return Err(goes_to(true).into());
            }
        }
        let authority =
            match (&self.authority, &office) {
                (Some(id), _) => Some(roster.authority(id).ok_or_else(|| {
                    WrongInput(format!("authority {id:?}: is not in the roster; see authorities.csv"))
                })?),
                (None, None) => roster.owing(ladder.deadline.ends_on).next(),
                (None, Some(_)) => None,
            };
        let ends_on = ladder.deadline.ends_on;
        if let Some(authority) = authority.filter(|authority| !authority.owes_on(ends_on)) {
            let id = &authority.id;
            let by = roster.reporter_of(id, ends_on).map(|other| format!("; {} reports for it", other.id));
            let what = format!("authority {id:?}: owes no report that is due on {ends_on}{}", by.unwrap_or_default());
            return Err(WrongInput(what).into());
        }
        let owner = match (&office, authority) {
            (Some(id), _) => Owner::Office(id.clone()),
            (None, Some(authority)) => Owner::Authority(authority.id.clone()),
            (None, None) => anyhow::bail!("authorities.csv: nobody owes this report"),
        };
        let nobody = Mailbox::parse("niemand@fristd.example")?;
        let mailbox = roster.contacts_of(&owner, view.today()).next().map_or(nobody, |contact| contact.mailbox.clone());
        Ok(NewNotice {
            month: ladder.month,
            duty: Some(ladder.duty.id.clone()),
            step: step.id.clone(),
            kind: step.kind,
            revision: ladder.revision,
            mailbox,
            office,
            authorities: authority.map(|authority| authority.id.clone()).into_iter().collect(),
            due_at: view.now,
            hold: None,
        })
    }
}

fn write_files(dir: &Path, files: &[Attachment]) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    for file in files {
        write_whole(&dir.join(&file.file_name), &file.bytes)?;
    }
    Ok(())
}

/// A correction as if it were a step: to everybody whom any step tells the deadline (F5).
fn correction_step(duty: &Duty) -> Step {
    Step {
        id: NoticeKind::Correction.to_string(),
        kind: NoticeKind::Correction,
        base: Base::Import,
        offset: Offset::WorkingDays(0),
        time: chrono::NaiveTime::MIN,
        to: duty.steps.iter().flat_map(|step| step.to.iter().cloned()).collect(),
        template: NoticeKind::Correction.to_string(),
        missed_cycles: None,
    }
}

/// The deadline as if the month had no entry, and that by its entry.
fn corrected_revisions(rulebook: &Rulebook, duty: &Duty, month: Month) -> anyhow::Result<Vec<Revision>> {
    let mut by_rule = rulebook.clone();
    let entry = by_rule.entries.remove(&month).unwrap_or_default();
    let (before, after) =
        (cycle::deadline(&by_rule, duty, month, None)?, cycle::deadline(rulebook, duty, month, None)?);
    if before.is_told_as(&after) {
        let words = format!(
            "cycles.toml: no entry of {month} moves the deadline of {}; a correction can be shown once one does",
            duty.id
        );
        return Err(WrongInput(words).into());
    }
    let frozen_at = instant_on(rulebook.zone, before.import_on, chrono::NaiveTime::MIN);
    let reason = Some(entry.correction.unwrap_or_else(|| "(noch kein Grund angegeben)".to_owned()));
    let revision = |number, deadline, reason| Revision { number, deadline, reason, frozen_at };
    Ok(vec![revision(1, before, None), revision(2, after, reason)])
}

/// The office that a step goes to first, if it goes to offices rather than to authorities.
fn first_office(view: View<'_>, step: &Step) -> Option<crate::domain::OfficeId> {
    if matches!(
        step.kind,
        NoticeKind::Announcement | NoticeKind::Correction | NoticeKind::Reminder | NoticeKind::Overdue
    ) {
        return None;
    }
    step.to.iter().find_map(|audience| match audience {
        Audience::Rrk => view.roster.rrk().next().map(|(office, _)| office.id.clone()),
        Audience::Zrk => view.roster.zrk().next().map(|office| office.id.clone()),
        Audience::Office(id) => Some(id.clone()),
        Audience::Users | Audience::Missing => None,
    })
}
