//! `fristd proof`: what was said to an authority in a month, to be put on file (M7). Never changes anything.

use std::fs::{File, read};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::daemon::proof::proof;
use crate::documents::proof_document;
use crate::domain::chronicle::Happened;
use crate::domain::proof::{AttemptProof, DutyProof, NoticeProof, Proof as Proved, ReturnProof};
use crate::domain::proof_words::{in_words, kind_in_words};
use crate::domain::request::{duty, known_authority};
use crate::domain::{Month, Receipt, ReceiptState};

use super::written_file::{check_target, write_whole};
use super::{Ending, Shell, WrongInput, counted, print_json, print_line};

/// Proves what was said to an authority in a month, and what it reported.
///
/// A German text to be put on file: the deadline and its corrections, every notice with its mailbox, when it was handed over,
/// what the mail system answered, Message-ID and SHA-256 of the mail, whether it came back; what was not sent and why; the
/// receipts in order. The heading names the log's last entry, so that the text can be held against the log later.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd proof 2026-12 --authority abh-05113-essen > essen.txt\n  \
    fristd proof 2026-12 --authority abh-05113-essen --duty planning --eml essen-mails\n  \
    fristd proof 2026-12 --authority abh-05113-essen --pdf essen.pdf\n  \
    fristd proof 2026-12 --authority abh-05113-essen --json | jq .duties[].sent[].message_id\n\n\
    Mails to offices are not written by --eml, because they name other authorities as well;\n\
    `fristd outbox show ID --save FILE` writes one.\n\
    docs/audit.md describes the JSON.")]
pub(super) struct Proof {
    /// The cycle, as YYYY-MM.
    month: String,
    /// The authority's id in authorities.csv; also of one that is no longer there.
    #[arg(long, value_name = "ID")]
    authority: String,
    /// About this duty only.
    #[arg(long, value_name = "DUTY")]
    duty: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write the mails to the authority, byte for byte, into this folder.
    #[arg(long, value_name = "DIR")]
    eml: Option<PathBuf>,
    /// Write the proof as a PDF instead of printing its text.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

impl Proof {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        self.pdf.as_deref().map(check_target).transpose()?;
        let charter = shell.charter()?;
        let settings = &charter.settings;
        let month = Month::parse(&self.month).map_err(|cause| WrongInput(cause.to_string()))?;
        let only = self.duty.as_deref().map(|id| duty(&settings.rulebook, id)).transpose()?;
        let store = shell.store_to_look(&settings.service).await?;
        let mut tx = store.read().await?;
        let proved = proof(&mut tx, &charter, (month, &self.authority), only, shell.clock.now()).await?;
        if proved.is_empty() {
            known_authority(&settings.roster, &self.authority)?; // says what is near
            eprintln!("fristd: {}: nothing was announced, sent or recorded in {month}", self.authority);
            return Ok(Ending::NothingMatched);
        }
        if let Some(folder) = &self.eml {
            eprintln!("fristd: {}", write_mails(folder, &proved)?);
        }
        if let Some(path) = &self.pdf {
            write_whole(path, &proof_document(&proved, &settings.rulebook.letterhead).to_pdf()?)?;
        }
        if self.json {
            print_json(&as_json(&proved))?;
        } else if let Some(path) = &self.pdf {
            print_line(&format!("written: {}", path.display()))?;
        } else {
            std::io::stdout().write_all(in_words(&proved).as_bytes()).context("the output cannot be written")?;
        }
        Ok(Ending::Done)
    }
}

/// Writes each mail to the authority that is kept. Says how many, and how many not.
fn write_mails(folder: &Path, proved: &Proved) -> anyhow::Result<String> {
    std::fs::create_dir_all(folder).map_err(|cause| WrongInput(format!("{}: {cause}", folder.display())))?;
    let (mut written, mut gone, mut of_offices) = (0, 0, 0);
    for (part, notice) in proved.duties.iter().flat_map(|part| part.sent.iter().map(move |notice| (part, notice))) {
        if notice.office.is_some() {
            of_offices += 1;
            continue;
        }
        for attempt in &notice.attempts {
            match (&attempt.mail, attempt.size_bytes) {
                (Some(mail), _) => {
                    write_mail(&folder.join(file_name(proved.month, &part.duty.id, notice, attempt)), mail)?;
                    written += 1;
                }
                (None, Some(_)) => gone += 1,
                (None, None) => {}
            }
        }
    }
    let mut words = format!("{} in {}", counted(written, "mail"), folder.display());
    if gone > 0 {
        words += &format!("; {} no longer kept", counted(gone, "mail"));
    }
    if of_offices > 0 {
        words += &format!("; {} to offices left out, which name others too", counted(of_offices, "mail"));
    }
    Ok(words)
}

/// Writes a file that is not there yet; one with the same bytes may be.
pub(super) fn write_mail(path: &Path, mail: &[u8]) -> anyhow::Result<()> {
    match File::create_new(path) {
        Ok(mut file) => file.write_all(mail).with_context(|| format!("{}: cannot be written", path.display())),
        Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
            let is_same = read(path).is_ok_and(|bytes| bytes == mail);
            let words = format!("{}: is there already with another content; name another place", path.display());
            if is_same { Ok(()) } else { Err(WrongInput(words).into()) }
        }
        Err(cause) => Err(WrongInput(format!("{}: cannot be written: {cause}", path.display())).into()),
    }
}

/// `2026-12_planning_reminder-5_r1_3f2a9c11_1.eml`.
fn file_name(month: Month, duty: &str, notice: &NoticeProof, attempt: &AttemptProof) -> String {
    let id = notice.id.get(..8).unwrap_or(&notice.id);
    let name = format!("{month}_{duty}_{}_r{}_{id}_{}", notice.step, notice.revision, attempt.number);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "+-_".contains(c);
    let safe: String = name.chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    format!("{safe}.eml")
}

fn as_json(proved: &Proved) -> Value {
    let at = |instant: DateTime<Utc>| in_zone(proved, instant);
    let instance = &proved.instance;
    json!({
        "authority": &*proved.authority, "name": proved.name, "district": proved.district.map(|district| district.as_str()),
        "month": proved.month.to_string(), "produced_at": at(proved.produced_at),
        "instance": {
            "version": instance.version, "sender": instance.sender, "from": instance.from.as_str(),
            "made_at": at(instance.made_at), "first_hash": instance.first_hash,
        },
        "log_head": proved.log_head.as_ref().map(|(number, hash)| json!({ "number": number, "hash": hash })),
        "duties": proved.duties.iter().map(|part| duty_json(proved, part)).collect::<Vec<_>>(),
    })
}

fn duty_json(proved: &Proved, part: &DutyProof) -> Value {
    let at = |instant: DateTime<Utc>| in_zone(proved, instant);
    let revisions = part.revisions.iter().map(|revision| {
        json!({
            "number": revision.number, "import": revision.deadline.import_on, "stated_on": revision.deadline.stated_on,
            "ends_on": revision.deadline.ends_on, "frozen_at": at(revision.frozen_at), "reason": revision.reason,
        })
    });
    let notices =
        |notices: &[NoticeProof]| -> Vec<Value> { notices.iter().map(|notice| notice_json(proved, notice)).collect() };
    let skipped = part.skipped.iter().map(|step| {
        json!({
            "step": step.step, "kind": step.kind.as_str(), "revision": step.revision, "due_at": at(step.due_at),
            "reason": step.skipped,
        })
    });
    let receipts = part.receipts.iter().filter_map(|entry| match &entry.what {
        Happened::Recorded(receipt) => Some(receipt_json(proved, receipt)),
        Happened::ExtensionRanOut { .. } => None,
    });
    json!({
        "duty": &*part.duty.id, "title": part.duty.title, "period": part.duty.period_of(proved.month).to_string(),
        "owed": part.is_owed, "stated_on": part.deadline.stated_on, "ends_on": part.deadline.ends_on,
        "revisions": revisions.collect::<Vec<_>>(), "sent": notices(&part.sent), "not_sent": notices(&part.not_sent),
        "skipped": skipped.collect::<Vec<_>>(), "receipts": receipts.collect::<Vec<_>>(),
        "standing": part.standing.state.as_str(), "since": part.standing.since.map(at), "in_time": part.in_time,
    })
}

fn notice_json(proved: &Proved, notice: &NoticeProof) -> Value {
    let at = |instant: DateTime<Utc>| in_zone(proved, instant);
    let attempt = |attempt: &AttemptProof| {
        json!({
            "number": attempt.number, "handed_over_at": attempt.handed_over_at.map(at), "ended_at": at(attempt.ended_at),
            "outcome": attempt.outcome.as_str(), "reply": attempt.reply, "sha256": attempt.sha256,
            "bytes": attempt.size_bytes, "kept": attempt.mail.is_some(),
        })
    };
    let report = |report: &ReturnProof| {
        json!({
            "received_at": at(report.received_at), "verdict": report.verdict, "believed": report.is_believed,
            "status": report.status, "diagnostic": report.diagnostic, "sha256": report.sha256,
        })
    };
    json!({
        "id": notice.id, "step": notice.step, "kind": notice.kind.as_str(), "kind_in_words": kind_in_words(notice.kind),
        "revision": notice.revision, "to": notice.mailbox.as_str(),
        "office": notice.office.as_ref().map(|(id, _)| &**id), "authorities": notice.authorities,
        "due_at": at(notice.due_at), "queued_at": at(notice.queued_at), "state": notice.state.as_str(),
        "reason": notice.reason, "subject": notice.subject, "message_id": notice.message_id,
        "accepted_at": notice.accepted_at().map(at),
        "attempts": notice.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "returns": notice.returns.iter().map(report).collect::<Vec<_>>(),
    })
}

fn receipt_json(proved: &Proved, receipt: &Receipt) -> Value {
    json!({
        "state": receipt.state.as_str(), "reason": receipt.why(), "source": receipt.source, "actor": receipt.actor,
        "missing": match &receipt.state { ReceiptState::Partial { missing } => json!(missing), _ => json!([]) },
        "until": match receipt.state { ReceiptState::Extended { until, .. } => Some(until), _ => None },
        "received_at": in_zone(proved, receipt.received_at), "reported_at": in_zone(proved, receipt.reported_at),
    })
}

fn in_zone(proved: &Proved, instant: DateTime<Utc>) -> String {
    instant.with_timezone(&proved.zone).to_rfc3339()
}
